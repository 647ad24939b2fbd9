"""The real ccxt against scripted answers: what each failure proves, and that nothing is ever sent twice."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from apps.foundation.clock import Moment, wall_now
from apps.foundation.errors import OutcomeUnknown, RetryableFailure
from apps.trading.adapters.ccxt_venue import CcxtVenue
from apps.trading.ports import (
    BadVenueAnswer,
    BadVenueOutcome,
    VenueOrder,
    VenueOrderExists,
    VenueRefused,
)
from tests.support.scripted_exchange import CUT, ScriptedExchange, ccxt_urls

D = Decimal
CREATE = {"binance": "POST /api/v3/order", "kraken": "POST /0/private/AddOrder"}
KEYS = {"apiKey": "key", "secret": "c2VjcmV0c2VjcmV0c2VjcmV0"}


@pytest.fixture(params=["binance", "kraken"])
def exchange(request):
    return request.param


@pytest.fixture
def world():
    return ScriptedExchange()


@pytest.fixture
def venue(exchange, world):
    with world.serving() as address:
        made = CcxtVenue(account="acc", exchange=exchange, keys=KEYS, urls=ccxt_urls(address, exchange), pace_ms=1)
        yield made
        made.close()


binance = pytest.mark.parametrize("exchange", ["binance"], indirect=True)
kraken = pytest.mark.parametrize("exchange", ["kraken"], indirect=True)


def moment():
    wall = wall_now()
    return Moment(wall=wall, firm=wall)


def order(**changes):
    values = {
        "client_order_id": uuid4().hex,
        "symbol": "BTC/USDT",
        "side": "buy",
        "type": "limit",
        "quantity": D("0.01"),
        "limit_price": D("40000.1"),
        "funds": None,
        "time_in_force": "GTC",
        "post_only": False,
        "reduce_only": False,
        "valid_until": wall_now() + timedelta(seconds=30),
    }
    return VenueOrder(**{**values, **changes})


def taken(sent, **changes):
    """Binance's full answer to a create."""
    now = int(wall_now().timestamp() * 1000)
    return {
        "symbol": "BTCUSDT",
        "orderId": 28,
        "orderListId": -1,
        "clientOrderId": sent.client_order_id,
        "transactTime": now,
        "price": "40000.10000000",
        "origQty": "0.01000000",
        "executedQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "workingTime": now,
        "fills": [],
    } | changes


def send(venue, sent=None):
    return venue.submit(order=sent or order(), moment=moment())


def failure(code, message, status=400):
    return status, {"code": code, "msg": message}


def said(*errors):
    return {"error": list(errors)}


PAGE = "<html><body>We are under maintenance.</body></html>"
REFUSED = {
    "binance": [
        (failure(-2010, "Account has insufficient balance for requested action."), "venue_insufficient_funds"),
        (failure(-2010, "Order would immediately match and take."), "venue_would_take"),
        (failure(-1013, "Filter failure: LOT_SIZE"), "venue_bad_quantity"),
        (failure(-1013, "Filter failure: NOTIONAL"), "venue_min_notional"),
        (failure(-1013, "Market is closed."), "venue_market_closed"),
        (failure(-1021, "Timestamp for this request is outside of the recvWindow."), "venue_clock_skew"),
        (failure(-1022, "Signature for this request is not valid."), "venue_key_refused"),
        (failure(-2015, "Invalid API-key, IP, or permissions for action."), "venue_key_refused"),
        (failure(-2008, "Invalid Api-Key ID."), "venue_key_refused"),
        (failure(-1121, "Invalid symbol."), "venue_unknown_instrument"),
        (failure(-1100, "Illegal characters found in a parameter."), "venue_refused"),
    ],
    "kraken": [
        (said("EOrder:Insufficient funds"), "venue_insufficient_funds"),
        (said("EOrder:Order minimum not met"), "venue_min_quantity"),
        (said("EOrder:Post only order"), "venue_would_take"),
        (said("EAPI:Invalid nonce"), "venue_clock_skew"),
        (said("EAPI:Invalid signature"), "venue_key_refused"),
        (said("EAPI:Invalid key"), "venue_key_refused"),
        (said("EService:Deadline elapsed"), "venue_request_expired"),
        (said("EService:Market in cancel_only mode"), "venue_market_closed"),
    ],
}
UNKNOWN = {
    "binance": [
        failure(-1000, "An unknown error occurred while processing the request."),
        failure(-1001, "Internal error; unable to process your request. Please try again."),
        failure(-1006, "An unexpected response was received from the message bus."),
        failure(-1007, "Timeout waiting for response from backend server.", status=504),
        failure(-1008, "Server is currently overloaded.", status=503),
        failure(-1004, "Server is busy, please wait and try again", status=503),
        failure(-1016, "This service is no longer available.", status=503),
        failure(-1003, "Too many requests.", status=429),
        failure(-9999, "A code that nobody knows."),
        (500, PAGE),
        (502, PAGE),
        (403, PAGE),
        (200, PAGE),
        (200, ""),
        (200, {}),
        CUT,
    ],
    "kraken": [
        said("EService:Unavailable"),
        said("EService:Busy"),
        said("EService:Timeout"),
        said("EGeneral:Internal error"),
        said("EAPI:Rate limit exceeded"),
        said("EWhatever:Nobody knows"),
        (520, PAGE),
        (504, PAGE),
        (200, PAGE),
        (200, {}),
        (200, {"error": []}),
        (200, {"error": [], "result": {}}),
        CUT,
    ],
}


@pytest.mark.parametrize(
    ("exchange", "answer", "code"),
    [(name, *case) for name, cases in REFUSED.items() for case in cases],
    indirect=["exchange"],
)
def test_a_refusal_is_told_from_the_exchanges_own_words(venue, world, exchange, answer, code):
    world.answers[CREATE[exchange]] = [answer]
    with pytest.raises(VenueRefused) as refusal:
        send(venue)
    assert (refusal.value.code, world.count(CREATE[exchange])) == (code, 1)
    assert not isinstance(refusal.value, VenueOrderExists)


@pytest.mark.parametrize(
    ("exchange", "answer"), [(name, case) for name, cases in UNKNOWN.items() for case in cases], indirect=["exchange"]
)
def test_what_proves_nothing_is_unknown_and_is_not_sent_again(venue, world, exchange, answer):
    world.answers[CREATE[exchange]] = [answer]
    with pytest.raises(OutcomeUnknown):
        send(venue)
    assert world.count(CREATE[exchange]) == 1


def test_nothing_listening_is_unknown(exchange):
    world = ScriptedExchange()
    with world.serving() as address:
        venue = CcxtVenue(account="acc", exchange=exchange, keys=KEYS, urls=ccxt_urls(address, exchange), pace_ms=1)
        venue.clock_offset()
    with pytest.raises(OutcomeUnknown):
        send(venue)
    with pytest.raises(RetryableFailure):
        venue.find(client_order_id=uuid4().hex, symbol="BTC/USDT")
    venue.close()


@pytest.mark.parametrize(
    ("exchange", "answer"),
    [
        ("binance", failure(-2010, "Duplicate order sent.")),
        ("kraken", said("EOrder:Duplicate client order id")),
    ],
    indirect=["exchange"],
)
def test_a_duplicate_id_is_an_order_of_ours(venue, world, exchange, answer):
    world.answers[CREATE[exchange]] = [answer]
    with pytest.raises(VenueOrderExists):
        send(venue)


@binance
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_never_makes_a_second_create(venue, world, status):
    world.answers["POST /api/v3/order"] = [(status, "{}", {"Location": "/api/v3/order"})]
    with pytest.raises(OutcomeUnknown):
        send(venue)
    assert world.count("POST /api/v3/order") == 1
    assert world.count("GET /api/v3/order") == 0


@binance
def test_a_cut_connection_of_a_kept_alive_client_is_not_repeated_either(venue, world):
    sent = order()
    world.answers["POST /api/v3/order"] = [taken(sent), CUT, taken(sent)]
    world.answers["DELETE /api/v3/order"] = [CUT, taken(sent)]
    send(venue, sent)
    with pytest.raises(OutcomeUnknown):
        send(venue, sent)
    with pytest.raises(OutcomeUnknown):
        venue.cancel(client_order_id=sent.client_order_id, symbol="BTC/USDT", moment=moment())
    assert (world.count("POST /api/v3/order"), world.count("DELETE /api/v3/order")) == (2, 1)


@binance
def test_the_request_carries_the_time_of_the_intent_on_the_exchanges_clock(venue, world):
    world.clock_ahead_ms = 7_000
    until = wall_now() + timedelta(seconds=3)
    sent = order(valid_until=until)
    world.answers["POST /api/v3/order"] = [taken(sent)]
    send(venue, sent)
    given = world.last("POST /api/v3/order")
    life = int(given["timestamp"]) + int(given["recvWindow"]) - int(until.timestamp() * 1000)
    assert abs(life - 7_000) < 500
    assert int(given["recvWindow"]) == 5_000
    assert (given["newClientOrderId"], given["quantity"], given["price"]) == (sent.client_order_id, "0.01", "40000.1")


@kraken
def test_the_deadline_is_on_the_exchanges_clock(venue, world):
    world.clock_ahead_ms = 7_000
    sent = order()
    world.answers[CREATE["kraken"]] = [{"error": [], "result": {"descr": {"order": ""}, "txid": ["OABC"]}}]
    report = send(venue, sent)
    given = world.last(CREATE["kraken"])
    assert given["cl_ord_id"] == sent.client_order_id
    assert given["deadline"] > (sent.valid_until + timedelta(seconds=5)).isoformat()[:22]
    assert (report.venue_order_id, report.state, report.quantity) == ("OABC", "OPEN", D("0.01"))


@binance
def test_a_late_request_does_not_leave(venue, world):
    with pytest.raises(VenueRefused) as refusal:
        send(venue, order(valid_until=wall_now() - timedelta(milliseconds=1)))
    assert (refusal.value.code, world.count("POST /api/v3/order")) == ("venue_request_expired", 0)


@binance
def test_a_request_for_silence_is_obeyed(venue, world):
    world.answers["POST /api/v3/order"] = [(429, {"code": -1003, "msg": "Too many."}, {"Retry-After": "300"})]
    with pytest.raises(OutcomeUnknown):
        send(venue)
    with pytest.raises(VenueRefused) as refusal:
        send(venue)
    assert refusal.value.code == "venue_rate_limited"
    with pytest.raises(RetryableFailure):
        venue.open_orders()
    assert world.count("POST /api/v3/order") == 1
    assert world.count("GET /api/v3/openOrders") == 0


@binance
def test_a_filled_market_order_brings_its_trades_and_their_fees(venue, world):
    sent = order(type="market", limit_price=None)
    fills = [
        {"price": "50000", "qty": "0.004", "commission": "0.000004", "commissionAsset": "BTC", "tradeId": 56},
        {"price": "50001", "qty": "0.002", "commission": "0.0001", "commissionAsset": "BNB", "tradeId": 57},
    ]
    world.answers["POST /api/v3/order"] = [
        taken(sent, type="MARKET", status="EXPIRED", executedQty="0.00600000", price="0.0", fills=fills)
    ]
    report = send(venue, sent)
    assert (report.state, report.filled_quantity, report.quantity) == ("EXPIRED", D("0.006"), D("0.01"))
    assert [(fill.venue_trade_id, fill.fee, fill.fee_asset) for fill in report.fills] == [
        ("BTC/USDT:56", D("0.000004"), "BTC"),
        ("BTC/USDT:57", D("0.0001"), "BNB"),
    ]
    assert {fill.client_order_id for fill in report.fills} == {sent.client_order_id}


NONSENSE = [
    {"executedQty": "-0.01"},
    {"executedQty": "NaN"},
    {"executedQty": "many"},
    {"orderId": None},
    {"origQty": "0"},
    {"side": "HOLD"},
    {"status": "PERHAPS"},
    {"status": "FILLED"},
    {"fills": [{"price": "-1", "qty": "0.01", "commission": "0", "commissionAsset": "BNB", "tradeId": 1}]},
    {"fills": [{"price": "50000", "qty": "0.01", "tradeId": 1}]},
]


@binance
@pytest.mark.parametrize("wrong", NONSENSE, ids=[str(sorted(wrong.items())) for wrong in NONSENSE])
def test_nonsense_is_a_bad_answer_with_its_facts(venue, world, wrong):
    sent = order()
    world.answers["POST /api/v3/order"] = [taken(sent, **wrong)]
    with pytest.raises(BadVenueOutcome) as outcome:
        send(venue, sent)
    assert outcome.value.facts
    if "fills" not in wrong:
        world.answers["GET /api/v3/order"] = [taken(sent, **wrong)]
        with pytest.raises(BadVenueAnswer):
            venue.find(client_order_id=sent.client_order_id, symbol="BTC/USDT")


@binance
@pytest.mark.parametrize(
    "body", [(200, PAGE), (200, "{}"), (200, "[]"), (200, "null"), (200, '"yes"'), CUT, (500, PAGE)]
)
def test_only_the_exchanges_word_is_evidence_of_absence(venue, world, body):
    world.answers["GET /api/v3/order"] = [body]
    with pytest.raises(RetryableFailure):
        venue.find(client_order_id=uuid4().hex, symbol="BTC/USDT")
    world.answers["GET /api/v3/order"] = [failure(-2013, "Order does not exist.")]
    assert venue.find(client_order_id=uuid4().hex, symbol="BTC/USDT") is None


@kraken
@pytest.mark.parametrize("body", [(200, PAGE), (200, "{}"), (200, '{"error": []}'), (200, "null"), CUT, (502, PAGE)])
def test_only_krakens_word_is_evidence_of_absence(venue, world, body):
    empty = {"error": [], "result": {"closed": {}, "count": 0}}
    world.answers["POST /0/private/OpenOrders"] = [{"error": [], "result": {"open": {}}}]
    world.answers["POST /0/private/ClosedOrders"] = [body]
    with pytest.raises(RetryableFailure):
        venue.find(client_order_id=uuid4().hex, symbol="BTC/USDT")
    world.answers["POST /0/private/ClosedOrders"] = [empty]
    assert venue.find(client_order_id=uuid4().hex, symbol="BTC/USDT") is None


@binance
def test_a_key_that_is_revoked_later_is_a_refused_key(venue, world):
    world.answers["GET /api/v3/openOrders"] = [[], failure(-2015, "Invalid API-key, IP, or permissions for action.")]
    assert venue.open_orders() == []
    with pytest.raises(RetryableFailure) as read:
        venue.open_orders()
    assert read.value.code == "venue_key_refused"


@binance
@pytest.mark.parametrize(("told", "right"), [(True, "yes"), (False, "no"), (None, "unknown")])
def test_the_right_to_withdraw_is_asked_for(venue, world, told, right):
    world.answers["GET /sapi/v1/account/apiRestrictions"] = [{"ipRestrict": True, "enableWithdrawals": told}]
    assert venue.key_rights() == right


@kraken
@pytest.mark.parametrize(
    ("answer", "right"), [(said("EGeneral:Permission denied"), "no"), ({"error": [], "result": {}}, "yes")]
)
def test_only_a_key_that_may_withdraw_is_told_the_addresses(venue, world, answer, right):
    world.answers["POST /0/private/WithdrawAddresses"] = [answer]
    assert venue.key_rights() == right


@kraken
def test_nonces_only_rise(venue, world):
    world.answers["POST /0/private/OpenOrders"] = [{"error": [], "result": {"open": {}}}]
    for _ in range(5):
        venue.open_orders()
    nonces = [int(given["nonce"]) for asked, given in world.asked if "nonce" in given]
    assert nonces == sorted(set(nonces))


@binance
def test_one_unreadable_trade_holds_up_no_other(venue, world):
    now = int(wall_now().timestamp() * 1000)
    good = {
        "symbol": "BTCUSDT",
        "id": 5,
        "orderId": 28,
        "price": "50000",
        "qty": "0.01",
        "quoteQty": "500",
        "commission": "0.5",
        "commissionAsset": "USDT",
        "time": now,
        "isBuyer": True,
        "isMaker": False,
    }
    world.answers["GET /api/v3/myTrades"] = [[good, good | {"id": 6, "qty": "-1"}, good | {"id": 7, "price": "x"}]]
    page = venue.fills_since(watermark="", symbols=["BTC/USDT"], limit=10)
    assert [fill.venue_trade_id for fill in page.fills] == ["BTC/USDT:5"]
    assert len(page.bad) == 2
    again = venue.fills_since(watermark=page.watermark, symbols=["BTC/USDT"], limit=10)
    assert (again.fills, again.bad) == ((), ())


@binance
def test_a_trade_that_shows_late_is_still_found(venue, world):
    now = int(wall_now().timestamp() * 1000)
    trade = {
        "symbol": "BTCUSDT",
        "id": 5,
        "orderId": 28,
        "price": "50000",
        "qty": "0.01",
        "commission": "0.5",
        "commissionAsset": "USDT",
        "time": now,
        "isBuyer": True,
        "isMaker": False,
    }
    earlier = trade | {"id": 4, "time": now - 30_000}
    world.answers["GET /api/v3/myTrades"] = [[trade], [earlier, trade]]
    first = venue.fills_since(watermark="", symbols=["BTC/USDT"], limit=10)
    second = venue.fills_since(watermark=first.watermark, symbols=["BTC/USDT"], limit=10)
    assert [fill.venue_trade_id for fill in (*first.fills, *second.fills)] == ["BTC/USDT:5", "BTC/USDT:4"]


@binance
def test_a_cancel_of_what_the_exchange_does_not_know_is_refused_and_of_a_filled_order_answers_filled(venue, world):
    sent = order()
    world.answers["DELETE /api/v3/order"] = [failure(-2011, "Unknown order sent.")]
    world.answers["GET /api/v3/order"] = [
        failure(-2013, "Order does not exist."),
        taken(sent, status="FILLED", executedQty="0.01"),
    ]
    with pytest.raises(VenueRefused) as refusal:
        venue.cancel(client_order_id=sent.client_order_id, symbol="BTC/USDT", moment=moment())
    assert refusal.value.code == "venue_order_unknown"
    assert venue.cancel(client_order_id=sent.client_order_id, symbol="BTC/USDT", moment=moment()).state == "FILLED"


@binance
def test_an_order_is_replaced_by_one_request_with_an_id_of_its_own(venue, world):
    new = order(limit_price=D(41000), venue_order_id="28")
    world.answers["POST /api/v3/order/cancelReplace"] = [
        {"cancelResult": "SUCCESS", "newOrderResult": "SUCCESS", "newOrderResponse": taken(new, orderId=29)}
    ]
    report = venue.amend(client_order_id=uuid4().hex, order=new, moment=moment())
    given = world.last("POST /api/v3/order/cancelReplace")
    assert (given["cancelOrderId"], given["newClientOrderId"]) == ("28", new.client_order_id)
    assert (report.venue_order_id, report.client_order_id) == ("29", new.client_order_id)


@binance
@pytest.mark.parametrize("code", [-2021, -2022])
def test_a_replacement_that_failed_is_refused(venue, world, code):
    data = {"cancelResult": "SUCCESS" if code == -2021 else "FAILURE", "newOrderResult": "FAILURE"}
    world.answers["POST /api/v3/order/cancelReplace"] = [(409, {"code": code, "msg": "failed.", "data": data})]
    with pytest.raises(VenueRefused):
        venue.amend(client_order_id=uuid4().hex, order=order(venue_order_id="28"), moment=moment())
