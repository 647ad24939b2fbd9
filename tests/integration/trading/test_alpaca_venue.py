"""The stock broker through the real alpaca-py client against a server that answers as the broker does."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from apps.foundation import request_rate
from apps.foundation.clock import Moment, wall_now
from apps.foundation.errors import OutcomeUnknown, RetryableFailure
from apps.market.domain.request_quotas import RequestQuotas, allowed_by
from apps.trading.adapters import broker_turns
from apps.trading.adapters.alpaca_venue import AlpacaVenue
from apps.trading.ports import BadVenueAnswer, BadVenueOutcome, VenueOrder, VenueOrderExists, VenueRefused
from tests.support.recorded_broker import KEY, SECRET, RecordedBroker

D = Decimal


@pytest.fixture
def broker():
    world = RecordedBroker()
    world.quotes["AAPL"] = (D("199.98"), D("200.02"), wall_now())
    with world.serving() as address:
        world.address = address
        yield world


@pytest.fixture
def venue(broker):
    return at_broker(broker)


def at_broker(broker, **changes):
    return AlpacaVenue(
        **{"account": "stocks", "key": KEY, "secret": SECRET, "paper": True, "address": broker.address, **changes}
    )


def order(**changes):
    values = {
        "client_order_id": uuid4().hex,
        "symbol": "AAPL/USD",
        "side": "buy",
        "type": "market",
        "quantity": D(2),
        "limit_price": None,
        "funds": None,
        "time_in_force": "GTC",
        "post_only": False,
        "reduce_only": False,
        "valid_until": wall_now() + timedelta(seconds=30),
    }
    return VenueOrder(**{**values, **changes})


def now():
    wall = wall_now()
    return Moment(wall=wall, firm=wall)


def submit(venue, **changes):
    sent = order(**changes)
    return sent, venue.submit(order=sent, moment=now())


def traded(broker, **changes):
    broker.trade("AAPL", **{"opening": "200", "low": "199", "high": "201", "at": wall_now(), **changes})


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("gateway", OutcomeUnknown),
        ("limited", OutcomeUnknown),
        ("down", OutcomeUnknown),
        ("reset", OutcomeUnknown),
        ("lost", OutcomeUnknown),
        ("forbidden", OutcomeUnknown),
        ("html", BadVenueOutcome),
        ("nonsense", BadVenueOutcome),
    ],
)
def test_a_create_that_fails_is_sent_once_and_its_outcome_is_unknown(broker, venue, fault, error):
    broker.faults["create"] = fault
    with pytest.raises(error) as failure:
        submit(venue)
    assert isinstance(failure.value, OutcomeUnknown)
    assert broker.creates == 1


def test_an_order_whose_answer_was_lost_is_found_by_its_client_id(broker, venue):
    broker.faults["create"] = "lost"
    sent = order()
    with pytest.raises(OutcomeUnknown):
        venue.submit(order=sent, moment=now())
    broker.faults.clear()
    assert venue.find(client_order_id=sent.client_order_id, symbol=sent.symbol).state == "OPEN"


@pytest.mark.parametrize("fault", ["gateway", "limited", "down", "reset", "html", "nonsense", "forbidden"])
def test_a_look_up_that_fails_is_no_evidence_of_absence(broker, venue, fault):
    broker.faults["query"] = fault
    with pytest.raises(RetryableFailure):
        venue.find(client_order_id=uuid4().hex, symbol="AAPL/USD")
    assert len(broker.asked) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": D("1.5"), "type": "limit", "limit_price": D("190")}, "venue_fraction_is_for_the_day"),
        ({"type": "limit", "limit_price": D("190.001")}, "venue_bad_price"),
        ({"quantity": D("0.0000000001")}, "venue_bad_quantity"),
        (
            {"quantity": D("0.0001"), "type": "limit", "limit_price": D(190), "time_in_force": "DAY"},
            "venue_min_notional",
        ),
        ({"post_only": True, "type": "limit", "limit_price": D(190)}, "venue_no_post_only"),
        ({"type": "trailing_stop"}, "venue_unknown_type"),
        ({"symbol": "NOPE/USD"}, "venue_unknown_instrument"),
        ({"time_in_force": "OPG"}, "venue_bad_time_in_force"),
        ({"valid_until": wall_now() - timedelta(seconds=1)}, "venue_request_expired"),
    ],
)
def test_what_the_broker_cannot_do_is_refused_before_anything_is_sent(broker, venue, changes, code):
    with pytest.raises(VenueRefused) as refusal:
        submit(venue, **changes)
    assert refusal.value.code == code
    assert broker.creates == 0


def test_rules_that_cannot_be_read_prove_that_nothing_was_sent(broker, venue):
    broker.faults["query"] = "down"
    with pytest.raises(VenueRefused) as refusal:
        submit(venue)
    assert (refusal.value.code, broker.creates) == ("venue_not_reached", 0)


def test_the_brokers_own_refusals_are_refusals(broker, venue):
    with pytest.raises(VenueRefused, match="insufficient buying power"):
        submit(venue, quantity=D(5000))
    with pytest.raises(VenueRefused, match="insufficient qty"):
        submit(venue, side="sell")
    sent, _ = submit(venue)
    with pytest.raises(VenueOrderExists):
        venue.submit(order=sent, moment=now())
    assert broker.creates == 4


def test_a_fraction_trades_at_the_market_and_a_sale_only_closes(broker, venue):
    submit(venue, quantity=D("0.123456789"))
    (asked,) = broker.orders.values()
    assert asked.wish["qty"] == "0.123456789"
    assert (asked.wish["time_in_force"], asked.wish["extended_hours"]) == ("day", False)
    traded(broker)
    submit(venue, side="sell", quantity=D("0.1"))
    assert [each.wish["position_intent"] for each in broker.orders.values()] == ["buy_to_open", "sell_to_close"]


def test_an_asset_without_fractions_has_whole_shares_as_its_step(broker, venue):
    broker.list_asset("BRK.A", fractionable=False)
    broker.list_asset("GONE", tradable=False)
    rules = venue.rules(["AAPL/USD", "BRK.A/USD", "GONE/USD", "NOPE/USD"])
    assert {symbol: rule.step_size for symbol, rule in rules.items()} == {
        "AAPL/USD": D("0.000000001"),
        "BRK.A/USD": D(1),
    }


def test_partial_fills_come_behind_the_watermark_and_late_ones_are_not_lost(broker, venue):
    sent, report = submit(venue, quantity=D(4))
    begun = wall_now()
    traded(broker, share="0.5", at=begun)
    page = venue.fills_since(watermark="", symbols=["AAPL/USD"], limit=10)
    assert [(fill.quantity, fill.fee, fill.venue_order_id) for fill in page.fills] == [(D(2), 0, report.venue_order_id)]
    assert venue.find(client_order_id=sent.client_order_id, symbol=sent.symbol).state == "PARTIALLY_FILLED"
    assert venue.fills_since(watermark=page.watermark, symbols=[], limit=10).fills == ()
    traded(broker, share="0.5", at=begun - timedelta(minutes=2))
    late = venue.fills_since(watermark=page.watermark, symbols=["AAPL/USD"], limit=10)
    assert [fill.quantity for fill in late.fills] == [D(1)]
    assert venue.find(client_order_id="", symbol="", venue_order_id=report.venue_order_id).filled_quantity == D(3)


def test_many_trades_and_orders_come_page_by_page(broker, venue):
    started = wall_now()
    for number in range(520):
        wish = {
            "symbol": "AAPL",
            "qty": "1",
            "side": "buy",
            "type": "limit",
            "limit_price": "1",
            "time_in_force": "gtc",
        }
        placed = broker.place({**wish, "client_order_id": f"o{number}"})
        placed.at = started + timedelta(milliseconds=number)
        if number < 230:
            broker.fill(placed, quantity=D(1), price=D(1), at=placed.at)
    assert len(venue.open_orders()) == 290
    assert len(venue.closed_orders(symbols=["AAPL/USD"], since=started)) == 230
    seen, watermark, complete = set(), "", False
    while not complete:
        page = venue.fills_since(watermark=watermark, symbols=["AAPL/USD"], limit=70)
        assert not seen & {fill.venue_trade_id for fill in page.fills}
        seen |= {fill.venue_trade_id for fill in page.fills}
        watermark, complete = page.watermark, page.complete
    assert len(seen) == 230


def test_money_of_a_sale_is_free_once_it_is_settled(broker, venue):
    submit(venue, quantity=D(10))
    traded(broker)
    submit(venue, side="sell", quantity=D(4))
    before = venue.balances()
    assert (before["AAPL"].free, before["AAPL"].used) == (D(6), D(4))
    traded(broker)
    after = venue.balances()["USD"]
    assert after.used == broker.unsettled == D("799.84")
    assert after.free + after.used == broker.cash
    broker.unsettled = D(0)
    assert venue.balances()["USD"].used == 0


def test_fees_and_dividends_are_told_as_charges_and_deposits_are_not(broker, venue):
    broker.charge("0.02", "TAF fee for proceed of 4 shares")
    broker.charge("-0.24", "Cash DIV @ 0.24", kind="DIV")
    broker.charge("-500", "A wire that came in", kind="CSD")
    charge, dividend = sorted(venue.charges_since(since=wall_now() - timedelta(days=1)), key=lambda each: -each.amount)
    assert dividend.amount == D("-0.24")
    assert (charge.amount, charge.asset, charge.description) == (D("0.02"), "USD", "TAF fee for proceed of 4 shares")


def test_its_clock_is_compared_and_its_word_on_the_account_decides_health(broker, venue):
    broker.skew = timedelta(seconds=-4)
    assert abs(venue.clock_offset() - timedelta(seconds=4)) < timedelta(seconds=1)
    venue.healthy()
    broker.account_changes["trading_blocked"] = True
    with pytest.raises(RetryableFailure, match="trading_blocked"):
        venue.healthy()


def test_the_right_to_withdraw_is_told_and_a_wrong_key_refused(broker):
    live = at_broker(broker, paper=False)
    assert live.key_rights() == "no"
    broker.account_changes["crypto_status"] = "ACTIVE"
    assert live.key_rights() == "unknown"
    wrong = at_broker(broker, secret="another")
    with pytest.raises(VenueRefused) as refusal:
        wrong.key_rights()
    assert refusal.value.code == "venue_key_refused"
    with pytest.raises(RetryableFailure):
        wrong.find(client_order_id=uuid4().hex, symbol="AAPL/USD")


@pytest.mark.parametrize("fault", ["gateway", "limited", "reset", "lost"])
def test_a_cancel_is_sent_once_and_unknown_when_it_fails(broker, venue, fault):
    sent, _ = submit(venue, type="limit", limit_price=D(150))
    broker.faults["cancel"] = fault
    with pytest.raises(OutcomeUnknown):
        venue.cancel(client_order_id=sent.client_order_id, symbol=sent.symbol, moment=now())
    assert [method for method, _ in broker.asked].count("DELETE") == 1


@pytest.mark.parametrize(
    "change",
    [{"status": "perhaps"}, {"filled_qty": "-1"}, {"filled_qty": "9"}, {"side": None}, {"submitted_at": 7}, {"id": ""}],
)
def test_nonsense_about_an_order_is_a_bad_answer_not_a_guess(broker, venue, change):
    sent, _ = submit(venue)
    (kept,) = broker.orders.values()
    kept.shown = change
    with pytest.raises(BadVenueAnswer):
        venue.find(client_order_id=sent.client_order_id, symbol=sent.symbol)


def test_a_full_rate_lets_exits_and_cancels_out_and_sends_nothing_else(broker, clean_redis, monkeypatch):
    request_rate.forget_connections()
    monkeypatch.setattr(broker_turns, "LONGEST_WAIT_SECONDS", 0.1)
    quotas = RequestQuotas(
        exchange="alpaca", address=broker.address, allowed=allowed_by("alpaca", given={"requests": 60}), key=KEY
    )
    clean_redis.set(f"hq-rate:born:{quotas.of_one()[0].quota.scope}", "1000.0")
    venue = at_broker(broker, turns=broker_turns.BrokerTurns(quotas))
    resting, _ = submit(venue, type="limit", limit_price=D(150))

    def ask_without_end():
        while True:
            venue.open_orders()

    with pytest.raises(RetryableFailure) as late:
        ask_without_end()
    assert late.value.code == "house_rate_limited"
    before = broker.creates
    with pytest.raises(VenueRefused, match="Nothing was sent") as refused:
        submit(venue)
    assert (refused.value.code, broker.creates) == ("house_rate_limited", before)
    name = resting.client_order_id
    assert venue.cancel(client_order_id=name, symbol="AAPL/USD", moment=now()).state == "CANCELED"
