"""Binance's interface as another emulator may speak it: half answers, short pages, doors that are not there."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from apps.foundation.clock import Moment, wall_now
from apps.foundation.errors import OutcomeUnknown, RetryableFailure
from apps.trading.adapters.ccxt_answers import number
from apps.trading.adapters.ccxt_venue import CcxtVenue
from apps.trading.ports import BadVenueAnswer, BadVenueOutcome, VenueRefused
from tests.integration.trading.test_ccxt_venue import KEYS, failure, order, taken
from tests.support.scripted_exchange import CUT, ScriptedExchange, ccxt_urls, payload

D = Decimal


@pytest.fixture
def world():
    return ScriptedExchange()


@pytest.fixture
def venue(world):
    with world.serving() as address:
        urls = ccxt_urls(address, "binance")
        made = CcxtVenue(account="acc", exchange="binance", keys=KEYS, urls=urls, pace_ms=1)
        yield made
        made.close()


def send(venue, sent):
    wall = wall_now()
    return venue.submit(order=sent, moment=Moment(wall=wall, firm=wall))


def trade(number, at, **changes):
    return {
        "symbol": "BTCUSDT",
        "id": number,
        "orderId": 28,
        "price": "50000",
        "qty": "0.01",
        "commission": "0.5",
        "commissionAsset": "USDT",
        "time": at,
        "isBuyer": True,
        "isMaker": False,
    } | changes


def now_ms():
    return int(wall_now().timestamp() * 1000)


HALF = '{"symbol": "BTCUSDT", "orderId": 28, "status": "NE'


def test_half_an_answer_is_no_answer(venue, world):
    sent = order()
    world.answers["POST /api/v3/order"] = [(200, HALF)]
    with pytest.raises(OutcomeUnknown):
        send(venue, sent)
    world.answers["GET /api/v3/order"] = [(200, HALF)]
    with pytest.raises(RetryableFailure):
        venue.find(client_order_id=sent.client_order_id, symbol="BTC/USDT")
    world.answers["GET /api/v3/account"] = [(200, '{"balances": [{"asset": "USDT", "free": "1", ')]
    with pytest.raises(RetryableFailure):
        venue.balances()
    world.answers["GET /api/v3/myTrades"] = [(200, '[{"symbol": "BTCUSDT", "id": 5, ')]
    with pytest.raises(RetryableFailure):
        venue.fills_since(watermark="", symbols=["BTC/USDT"], limit=10)


@pytest.mark.parametrize("change", [{"clientOrderId": uuid4().hex}, {"symbol": "ETHUSDT"}])
def test_an_answer_about_another_order_is_not_taken_for_this_one(venue, world, change):
    sent = order()
    world.answers["GET /api/v3/order"] = [taken(sent, **change)]
    with pytest.raises(BadVenueAnswer):
        venue.find(client_order_id=sent.client_order_id, symbol="BTC/USDT")
    if "symbol" in change:
        world.answers["POST /api/v3/order"] = [taken(sent, **change)]
        with pytest.raises(BadVenueOutcome):
            send(venue, sent)


@pytest.mark.parametrize("shown", [True, False])
def test_a_bare_acknowledgement_is_an_order_that_is_asked_for_at_once(venue, world, shown):
    sent = order()
    bare = {"symbol": "BTCUSDT", "orderId": 28, "clientOrderId": sent.client_order_id, "transactTime": now_ms()}
    world.answers["POST /api/v3/order"] = [bare]
    world.answers["GET /api/v3/order"] = (
        [taken(sent, status="PARTIALLY_FILLED", executedQty="0.004")] if shown else [CUT]
    )
    report = send(venue, sent)
    expected = ("PARTIALLY_FILLED", D("0.004")) if shown else ("OPEN", D(0))
    assert (report.venue_order_id, report.state, report.filled_quantity) == ("28", *expected)
    assert world.count("POST /api/v3/order") == 1


def test_an_acknowledgement_of_another_order_is_nonsense(venue, world):
    world.answers["POST /api/v3/order"] = [{"symbol": "BTCUSDT", "orderId": 28, "clientOrderId": uuid4().hex}]
    with pytest.raises(BadVenueOutcome):
        send(venue, order())


def test_an_instrument_without_steps_is_refused_before_anything_is_sent(venue, world):
    told = payload("binance_exchange_info")
    for each in told["symbols"]:
        each["filters"] = []
    world.answers["GET /api/v3/exchangeInfo"] = [told]
    with pytest.raises(VenueRefused) as refusal:
        send(venue, order())
    assert (refusal.value.code, world.count("POST /api/v3/order")) == ("venue_unknown_instrument", 0)


def test_no_such_order_is_no_refusal_of_a_create(venue, world):
    world.answers["POST /api/v3/order"] = [failure(-2013, "Order does not exist.")]
    with pytest.raises(OutcomeUnknown):
        send(venue, order())


def test_pages_shorter_than_was_asked_for_are_read_to_the_end(venue, world):
    start = now_ms() - 50_000
    pages = [[trade(n, start + n) for n in span] for span in (range(1, 4), range(3, 6), range(5, 8), range(7, 8))]
    world.answers["GET /api/v3/myTrades"] = pages
    page = venue.fills_since(watermark="", symbols=["BTC/USDT"], limit=100)
    assert [fill.venue_trade_id for fill in page.fills] == [f"BTC/USDT:{n}" for n in range(1, 8)]
    assert world.count("GET /api/v3/myTrades") == 4
    world.answers["GET /api/v3/myTrades"] = [[trade(7, start + 7)]]
    venue.fills_since(watermark=page.watermark, symbols=["BTC/USDT"], limit=100)
    assert world.count("GET /api/v3/myTrades") == 5  # a page smaller than one before was not cut


def test_orders_in_short_pages_too(venue, world):
    start = now_ms() - 50_000
    all_orders = [taken(order(), orderId=n, time=start + n, updateTime=start + n, status="CANCELED") for n in range(5)]
    world.answers["GET /api/v3/allOrders"] = [all_orders[:2], all_orders[1:3], all_orders[2:4], all_orders[3:], []]
    since = datetime.fromtimestamp(start / 1000, UTC)
    listed = venue.closed_orders(symbols=["BTC/USDT"], since=since)
    assert [each.venue_order_id for each in listed] == ["0", "1", "2", "3", "4"]


def test_an_order_that_waits_for_another_of_its_list_hides_no_other(venue, world):
    """Somebody placed such a list by hand; our own order is in the same answer."""
    theirs = taken(order(), orderId=7, clientOrderId="web_1", status="PENDING_NEW", isWorking=False)
    world.answers["GET /api/v3/openOrders"] = [[theirs, taken(order(), orderId=8, status="PENDING_CANCEL")]]
    assert [(each.venue_order_id, each.state) for each in venue.open_orders()] == [("7", "OPEN"), ("8", "OPEN")]


def test_a_page_of_a_proxy_is_told_in_one_line(venue, world):
    world.answers["POST /api/v3/order"] = [(502, "<html>\r\n<head><title>502</title></head>\r\n<center>nginx</center>")]
    with pytest.raises(OutcomeUnknown) as told:
        send(venue, order())
    assert len(told.value.message.splitlines()) == 1


def test_maintenance_is_no_refusal_of_a_read(venue, world):
    world.answers["GET /api/v3/account"] = [failure(-1016, "This service is no longer available.", status=503)]
    with pytest.raises(RetryableFailure) as told:
        venue.balances()
    assert told.value.code == "venue_away", "a refusal would count as an answer of a venue that is well"


def test_what_was_asked_and_signed_stands_in_no_message(venue, world):
    world.answers["GET /api/v3/account"] = [(503, "<html>away</html>")]
    with pytest.raises(RetryableFailure) as told:
        venue.balances()
    assert "/api/v3/account" in told.value.message
    assert "signature" not in told.value.message
    assert "timestamp" not in told.value.message


def test_a_trade_that_can_be_read_later_is_taken_then(venue, world):
    at = now_ms()
    bad = trade(6, at, qty="-1")
    world.answers["GET /api/v3/myTrades"] = [[trade(5, at), bad]]
    first = venue.fills_since(watermark="", symbols=["BTC/USDT"], limit=1)
    assert ([fill.venue_trade_id for fill in first.fills], len(first.bad)) == (["BTC/USDT:5"], 0)
    second = venue.fills_since(watermark=first.watermark, symbols=["BTC/USDT"], limit=1)
    assert (second.fills, len(second.bad), second.complete) == ((), 1, True)
    world.answers["GET /api/v3/myTrades"] = [[trade(5, at), trade(6, at)]]
    third = venue.fills_since(watermark=second.watermark, symbols=["BTC/USDT"], limit=1)
    assert ([fill.venue_trade_id for fill in third.fills], third.bad) == (["BTC/USDT:6"], ())


def test_a_trade_from_the_future_hides_none_after_it(venue, world):
    ahead = now_ms() + 3_600_000
    world.answers["GET /api/v3/myTrades"] = [[trade(5, ahead)]]
    page = venue.fills_since(watermark="", symbols=["BTC/USDT"], limit=10)
    world.asked.clear()
    venue.fills_since(watermark=page.watermark, symbols=["BTC/USDT"], limit=10)
    assert int(world.asked[0][1]["startTime"]) <= now_ms()


def test_trades_of_one_time_keep_the_order_of_their_ids(venue, world):
    at = now_ms()
    world.answers["GET /api/v3/myTrades"] = [[trade(10, at), trade(9, at), trade(8, at)]]
    page = venue.fills_since(watermark="", symbols=["BTC/USDT"], limit=10)
    assert [fill.venue_trade_id for fill in page.fills] == ["BTC/USDT:8", "BTC/USDT:9", "BTC/USDT:10"]


def test_an_instrument_that_is_not_traded_there_is_not_asked_for(venue, world):
    world.answers["GET /api/v3/myTrades"] = [[]]
    world.answers["GET /api/v3/allOrders"] = [[]]
    symbols = ["BTC/USDT", "NOBODY/USDT"]
    assert venue.fills_since(watermark="", symbols=symbols, limit=10).complete
    assert venue.closed_orders(symbols=symbols, since=wall_now()) == []


def test_without_the_door_of_rights_they_are_unknown(venue, world):
    world.answers["GET /sapi/v1/account/apiRestrictions"] = [(404, "Not here.")]
    assert venue.key_rights() == "unknown"


def test_addresses_that_were_not_replaced_are_never_called(world):
    with world.serving() as address:
        urls = {"public": f"{address}/api/v3", "private": f"{address}/api/v3"}
        venue = CcxtVenue(account="acc", exchange="binance", keys=KEYS, urls=urls, pace_ms=1)
        venue.start_stream()
        assert (venue.key_rights(), venue._stream._watches, world.asked) == ("unknown", [], [])


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0.30000000000000004", "0.3"),
        ("1.1500000000000001", "1.15"),
        ("0.1234567890123456", "0.1234567890123456"),
        ("123456789.123456789012", "123456789.123456789012"),
        ("0.3", "0.3"),
    ],
)
def test_the_noise_of_binary_numbers_is_dropped_and_nothing_else(text, meant):
    assert number(text, "amount", {}) == D(meant)
