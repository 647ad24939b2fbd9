"""Every position is covered, hit stops are fired and filled, in every trading state and after any crash."""

from datetime import timedelta
from decimal import Decimal
from importlib import import_module

import pytest

from apps.foundation.models import OutboxEvent
from apps.trading.models import Cursor, EquitySnapshot, Order, Portfolio
from apps.trading.operations.books.take_fill import take_fill
from apps.trading.operations.execution.match_paper_orders import match_paper_orders
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.risk.halt_trading import halt_trading
from apps.trading.ports import VenueFill
from tests.support.trading_desk import Killed, open_desk

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def crash_below(stop_price):
    return {"BTC": (50_000, 50_000, stop_price - 100, stop_price - 50)}


def test_a_fill_arms_a_stop_for_the_whole_position(desk):
    desk.buy(quantity="0.002")
    desk.buy(quantity="0.002")
    (stop,) = desk.stops()
    assert (stop.state, stop.quantity, stop.side, stop.reduce_only) == ("ARMED", D("0.004"), "sell", True)
    assert stop.stop_price == desk.position().stop_price < 50_000
    assert stop.reserved_left == 0
    desk.assert_books_balance()


def fill_ahead(desk, order_id, trade_id):
    """A trade of the bar after the one that the clock was read in."""
    order = Order.objects.get(pk=order_id)
    fill = VenueFill(
        venue_trade_id=trade_id,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        symbol=order.symbol,
        side="buy",
        quantity=order.quantity / 2,
        price=D(50_000),
        fee=D(0),
        fee_asset="USDT",
        liquidity="taker",
        executed_firm=desk.moment().firm + timedelta(minutes=5),
    )
    take_fill(fill=fill, venue=desk.venue, moment=desk.moment())


def test_a_second_stop_is_armed_though_the_fill_was_ahead_of_the_clock(desk):
    order_id = desk.propose(quantity="0.004")
    desk.send(order_id)
    fill_ahead(desk, order_id, "1")
    (first,) = desk.stops()
    change_order_state(
        order_id=first.pk, before={"ARMED"}, after="CANCELED", actor="tester", note="", moment=desk.moment()
    )
    fill_ahead(desk, order_id, "2")
    assert sorted((stop.state, stop.quantity) for stop in desk.stops()) == [
        ("ARMED", D("0.004")),
        ("CANCELED", D("0.002")),
    ]
    desk.assert_books_balance()


def test_a_touched_stop_sells_everything_at_the_next_open(desk):
    desk.buy()
    stop_price = desk.stops()[0].stop_price
    desk.bar(**crash_below(stop_price))
    (stop,) = desk.stops()
    assert stop.state == "ACCEPTED"
    assert stop.triggered_firm == desk.market.bar_at
    desk.bar()
    assert desk.position().quantity == 0
    (stop,) = desk.stops()
    assert stop.state == "FILLED"
    assert stop.average_price < stop_price
    assert Portfolio.objects.get().losses_in_row == 1
    desk.assert_books_balance()


def test_a_price_above_the_stop_fires_nothing(desk):
    desk.buy()
    stop_price = desk.stops()[0].stop_price
    desk.bar(BTC=(50_000, 50_000, stop_price + D("0.01"), 50_000))
    assert desk.stops()[0].state == "ARMED"


def test_a_halt_stops_new_risk_but_not_the_guard(desk):
    desk.buy()
    halt_trading(actor="tester", reason="test", flatten=False, moment=desk.moment())
    assert desk.stops()[0].state == "ARMED", "a halt must not take the stop away"
    desk.bar(**crash_below(desk.stops()[0].stop_price))
    desk.bar()
    assert desk.position().quantity == 0
    desk.assert_books_balance()


def test_a_missing_stop_is_armed_and_wants_an_incident(desk):
    desk.buy()
    Order.objects.filter(is_protective=True).update(
        state="CANCELED", done_wall=desk.moment().wall, state_note="a test took it away"
    )
    desk.bar()
    assert [stop.state for stop in desk.stops() if stop.state == "ARMED"] == ["ARMED"]
    kinds = [event.payload["kind"] for event in OutboxEvent.objects.filter(kind="incident.wanted")]
    assert kinds == ["position_uncovered"]


def test_other_sales_make_way_for_the_stop(desk):
    desk.buy()
    target = desk.propose(side="sell", type="limit", limit_price=D(50_900), quantity="0.003", reduce_only=True)
    desk.send(target)
    desk.bar(**crash_below(desk.stops()[0].stop_price))
    assert desk.order(target).state == "PENDING_CANCEL"
    fired = [stop for stop in desk.stops() if stop.state == "ACCEPTED"]
    assert sum(stop.quantity for stop in fired) == D("0.001")
    desk.sweep(later=3)
    assert desk.order(target).state == "CANCELED"
    low = desk.market.last["BTC/USDT"]
    desk.bar(BTC=(low, low, low - 10, low))
    desk.bar()
    assert desk.position().quantity == 0
    desk.assert_books_balance()


@pytest.mark.parametrize("where", ["fire_protective_stop", "monitor_risk", "move_cursor"])
def test_a_guard_killed_anywhere_repeats_the_bar_and_fires_once(desk, monkeypatch, where):
    desk.buy()
    desk.market.bar(**crash_below(desk.stops()[0].stop_price))
    desk.match()

    def dies(**_):
        raise Killed

    module = "watch_triggers" if where == "fire_protective_stop" else "guard_cycle"
    monkeypatch.setattr(import_module(f"apps.trading.operations.protection.{module}"), where, dies)
    with pytest.raises(Killed):
        desk.guard()
    monkeypatch.undo()
    assert desk.guard()
    desk.sweep()
    desk.bar()
    assert [stop.state for stop in desk.stops()] == ["FILLED"]
    assert desk.position().quantity == 0
    assert max(desk.venue.sent.values()) == 1
    assert EquitySnapshot.objects.filter(at_firm=desk.market.bar_at).count() == 1
    desk.assert_books_balance()


def test_a_stop_that_fills_slowly_is_chased_and_never_doubled(desk):
    desk.buy()
    thin = (49_000, 49_000, 48_900, 48_950, "0.01")
    desk.bar(**crash_below(desk.stops()[0].stop_price))
    for sold in range(1, 5):
        desk.bar(BTC=thin)
        assert desk.position().quantity == D("0.001") * (4 - sold)
        assert len(desk.stops()) == 1
    assert [stop.state for stop in desk.stops()] == ["FILLED"]
    desk.assert_books_balance()


def test_a_stop_the_venue_refuses_is_armed_again_a_few_times_and_wants_an_incident(desk):
    desk.buy(quantity="0.0001")  # worth 5, the least the venue takes; below its stop it is worth less
    below = desk.stops()[0].stop_price - 50
    for _ in range(8):
        desk.bar(BTC=(below, below, below, below))
    stops = desk.stops()
    assert [(stop.state, stop.reject_code) for stop in stops] == [("REJECTED", "venue_min_notional")] * 3
    wanted = OutboxEvent.objects.filter(kind="incident.wanted").values_list("payload__kind", flat=True)
    assert list(wanted).count("protective_stop_refused") == 3
    desk.assert_books_balance()


def test_the_guard_waits_for_the_paper_exchange(desk):
    desk.buy()
    desk.market.bar(**crash_below(desk.stops()[0].stop_price))
    assert not desk.guard()
    assert desk.stops()[0].state == "ARMED"
    desk.match()
    assert desk.guard()
    assert not desk.guard()
    assert Cursor.objects.get(name="guard").through == desk.market.bar_at


def test_several_bars_at_once_are_gone_through_in_order(desk):
    desk.buy()
    stop_price = desk.stops()[0].stop_price
    desk.market.bar(**crash_below(stop_price))
    desk.market.bar()
    desk.market.bar()
    match_paper_orders(venues=[desk.venue], moment=desk.moment())
    desk.guard()
    (stop,) = desk.stops()
    assert stop.triggered_firm == desk.market.bar_at
    desk.sweep()
    desk.bar()
    assert desk.position().quantity == 0


def test_equity_is_kept_once_a_bar_and_the_peak_only_rises(desk):
    desk.buy()
    desk.bar(BTC=(50_000, 52_000, 50_000, 52_000))
    peak = Portfolio.objects.get().peak_equity
    assert peak > 1000
    desk.bar(BTC=(52_000, 52_000, 51_500, 51_500))
    assert Portfolio.objects.get().peak_equity == peak
    newest = EquitySnapshot.objects.order_by("-at_firm").first()
    assert newest.at_firm == desk.market.bar_at
    assert newest.equity == newest.cash + newest.reserved + newest.market_value < peak
    assert newest.drawdown_pct > 0
    assert EquitySnapshot.objects.count() == EquitySnapshot.objects.values("at_firm").distinct().count()


def test_a_stop_is_never_lowered_by_buying_more(desk):
    desk.buy(quantity="0.002")
    first = desk.stops()[0].stop_price
    desk.bar(BTC=(50_000, 50_000, 49_800, 49_800))
    desk.buy(quantity="0.002")
    assert desk.position().stop_price >= first
