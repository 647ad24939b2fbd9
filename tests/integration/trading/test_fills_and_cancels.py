"""Fills post once in any order; cancels never lose a fill; late fills are facts."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from apps.foundation.models import OutboxEvent
from apps.market.queries import bars_of
from apps.trading.models import Fill, OrderTransition, PaperFill, ReconciliationBreak
from apps.trading.operations.books.apply_fill import FillWithoutOrderError, apply_fill
from apps.trading.operations.books.collect_fills import collect_fills
from apps.trading.operations.books.take_fill import take_fills
from apps.trading.operations.execution.send_cancel import send_cancel
from apps.trading.operations.orders.cancel_order import cancel_order
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def cancel(desk, order_id):
    return cancel_order(order_id=order_id, actor="tester", reason="test", moment=desk.moment())


def fills_at(venue):
    return list(venue.fills_since(watermark="", symbols=["BTC/USDT"], limit=10).fills)


def incidents():
    return [event.payload for event in OutboxEvent.objects.filter(kind="incident.wanted")]


def test_a_thin_market_fills_over_many_bars_and_sums_up(desk):
    order_id = desk.propose()
    desk.send(order_id)
    thin = {"BTC": (50_000, 50_000, 50_000, 50_000, "0.01")}  # a tenth of it may be ours: 0.001 a bar
    for bars in range(1, 5):
        desk.bar(**thin)
        order = desk.order(order_id)
        assert order.filled_quantity == D("0.001") * bars
        assert order.state == ("FILLED" if bars == 4 else "PARTIALLY_FILLED")
        assert sum(fill.quantity for fill in Fill.objects.all()) == desk.position().quantity
        assert sum(stop.quantity for stop in desk.stops() if stop.state == "ARMED") == desk.position().quantity
    desk.assert_books_balance()


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_and_redelivered_fills_post_once(desk, seed):
    order_id = desk.propose()
    desk.send(order_id)
    before = desk.market.bar_at
    for _ in range(4):
        desk.market.bar(BTC=(50_000, 50_000, 50_000, 50_000, "0.01"))
    for bar in bars_of(symbols=["BTC/USDT"], after=before, until=desk.market.bar_at, base="1m"):
        desk.venue.match_bars(closed_at=bar.close_at, bars=[bar])
    fills = fills_at(desk.venue) * 3
    random.Random(seed).shuffle(fills)
    posted = [apply_fill(fill=fill, account="paper", moment=desk.moment()) for fill in fills]
    assert sum(posted) == Fill.objects.count() == PaperFill.objects.count() == 4
    assert desk.order(order_id).state == "FILLED"
    desk.match()
    assert Fill.objects.count() == 4
    desk.assert_books_balance()


@pytest.mark.parametrize("stranger", [False, True])
def test_trades_posted_together_end_as_one_by_one_and_a_strange_one_holds_up_none(desk, stranger):
    order_id = desk.propose()
    desk.send(order_id)
    before = desk.market.bar_at
    for _ in range(4):
        desk.market.bar(BTC=(50_000, 50_000, 50_000, 50_000, "0.01"))
    for bar in bars_of(symbols=["BTC/USDT"], after=before, until=desk.market.bar_at, base="1m"):
        desk.venue.match_bars(closed_at=bar.close_at, bars=[bar])
    fills = fills_at(desk.venue)
    strange = replace(fills[0], venue_trade_id="strange", client_order_id="somebody-else")
    told = [*fills[:2], *[strange] * stranger, *fills[2:], fills[0]]
    new = take_fills(fills=told, venue=desk.venue, moment=desk.moment())
    assert new == {fill.venue_trade_id for fill in fills}
    moves = OrderTransition.objects.filter(order_id=order_id).order_by("pk").values_list("to_state", flat=True)
    assert list(moves)[-2:] == ["PARTIALLY_FILLED", "FILLED"]
    assert [stop.quantity for stop in desk.stops() if stop.state == "ARMED"] == [desk.position().quantity]
    assert ReconciliationBreak.objects.filter(kind="foreign_trade").count() == stranger
    assert not take_fills(fills=fills, venue=desk.venue, moment=desk.moment())
    desk.assert_books_balance()


def test_a_working_order_is_cancelled_with_the_venues_word_only(desk):
    order_id = desk.propose(type="limit", limit_price=D(49_500))
    desk.send(order_id)
    cancel(desk, order_id)
    assert desk.order(order_id).state == "PENDING_CANCEL"
    assert desk.order(order_id).reserved_left > 0
    assert send_cancel(order_id=order_id, venue=desk.venue, term=desk.term, moment=desk.moment())
    assert (desk.order(order_id).state, desk.order(order_id).reserved_left) == ("CANCELED", 0)
    assert not send_cancel(order_id=order_id, venue=desk.venue, term=desk.term, moment=desk.moment())
    desk.assert_books_balance()


def test_a_cancel_that_loses_to_the_fill_leaves_a_filled_order(desk):
    order_id = desk.propose()
    desk.send(order_id)
    desk.market.bar()
    bars = desk.market.moment
    cancel(desk, order_id)
    desk.match()
    send_cancel(order_id=order_id, venue=desk.venue, term=desk.term, moment=bars)
    order = desk.order(order_id)
    assert (order.state, order.filled_quantity) == ("FILLED", order.quantity)
    desk.assert_books_balance()


def test_a_cancel_after_a_part_was_filled_keeps_the_part(desk):
    order_id = desk.propose()
    desk.send(order_id)
    desk.bar(BTC=(50_000, 50_000, 50_000, 50_000, "0.01"))
    cancel(desk, order_id)
    send_cancel(order_id=order_id, venue=desk.venue, term=desk.term, moment=desk.moment())
    order = desk.order(order_id)
    assert (order.state, order.filled_quantity, order.reserved_left) == ("CANCELED", D("0.001"), 0)
    assert desk.position().quantity == D("0.001")
    desk.assert_books_balance()


def test_a_cancel_message_that_is_lost_is_sent_by_the_sweep(desk):
    order_id = desk.propose(type="limit", limit_price=D(49_500))
    desk.send(order_id)
    cancel(desk, order_id)
    desk.sweep(later=3)
    assert desk.order(order_id).state == "CANCELED"


def test_trades_are_asked_for_a_while_after_the_last_order_of_an_instrument_ended(desk, monkeypatch):
    order_id = desk.propose(type="limit", limit_price=D(49_500))
    desk.send(order_id)
    cancel(desk, order_id)
    send_cancel(order_id=order_id, venue=desk.venue, term=desk.term, moment=desk.moment())
    assert desk.order(order_id).state == "CANCELED"
    asked = []
    real = desk.venue.fills_since
    monkeypatch.setattr(desk.venue, "fills_since", lambda **given: asked.append(given["symbols"]) or real(**given))
    for later in (30, 90):
        collect_fills(venue=desk.venue, moment=desk.moment(later=later))
    assert asked == [["BTC/USDT"], []]


def test_a_late_fill_on_a_canceled_order_is_posted_and_wants_an_incident(desk):
    bought = desk.buy(quantity="0.002")
    order_id = desk.propose(type="limit", limit_price=D(49_500), quantity="0.002")
    desk.send(order_id)
    cancel(desk, order_id)
    send_cancel(order_id=order_id, venue=desk.venue, term=desk.term, moment=desk.moment())
    (known,) = fills_at(desk.venue)
    late = replace(
        known,
        venue_trade_id="late-1",
        client_order_id=desk.order(order_id).client_order_id,
        quantity=D("0.001"),
        price=D(49_500),
        fee=D("0.0495"),
    )
    assert apply_fill(fill=late, account="paper", moment=desk.moment())
    assert not apply_fill(fill=late, account="paper", moment=desk.moment())
    order = desk.order(order_id)
    assert (order.state, order.filled_quantity) == ("CANCELED", D("0.001"))
    assert desk.position().quantity == D("0.003")
    assert sum(stop.quantity for stop in desk.stops() if stop.state == "ARMED") == D("0.003")
    assert [wish["kind"] for wish in incidents()] == ["late_fill"]
    assert desk.order(bought).filled_quantity == D("0.002")
    desk.assert_books_balance()


def test_a_fill_of_an_order_that_was_never_sent_is_refused(desk):
    desk.buy(quantity="0.002")
    (known,) = fills_at(desk.venue)
    unsent = desk.propose(quantity="0.001")
    for client_order_id in ("0" * 32, desk.order(unsent).client_order_id):
        foreign = replace(known, venue_trade_id="foreign", client_order_id=client_order_id)
        with pytest.raises(FillWithoutOrderError):
            apply_fill(fill=foreign, account="paper", moment=desk.moment())
    desk.assert_books_balance()


@pytest.mark.parametrize(("time_in_force", "filled"), [("IOC", "0.001"), ("FOK", "0")])
def test_what_the_venue_ends_itself_ends_here_with_its_funds(desk, time_in_force, filled):
    order_id = desk.propose(time_in_force=time_in_force)
    desk.send(order_id)
    desk.bar(BTC=(50_000, 50_000, 50_000, 50_000, "0.01"))
    order = desk.order(order_id)
    assert (order.state, order.filled_quantity, order.reserved_left) == ("CANCELED", D(filled), 0)
    desk.assert_books_balance()


def test_a_good_till_date_ends_on_the_firm_clock(desk):
    until = desk.market.bar_at + timedelta(minutes=2)
    order_id = desk.propose(type="limit", limit_price=D(49_500), time_in_force="GTD", expires_firm=until)
    desk.send(order_id)
    desk.bar()
    assert desk.order(order_id).state == "ACCEPTED"
    desk.bar()
    desk.sweep(later=3)
    assert (desk.order(order_id).state, desk.order(order_id).reserved_left) == ("EXPIRED", 0)
    desk.assert_books_balance()


def test_a_round_trip_books_its_result_and_fees(desk):
    desk.buy()
    sold = desk.propose(side="sell", reduce_only=True)
    desk.send(sold)
    desk.bar(BTC=(51_000, 51_000, 51_000, 51_000))
    position = desk.position()
    fills = list(Fill.objects.order_by("recorded_wall"))
    assert (position.quantity, position.cost, position.stop_price) == (0, 0, None)
    assert position.realized_pnl == fills[1].cost - fills[0].cost > 0
    assert position.fees == sum(fill.fee for fill in fills)
    assert [stop.state for stop in desk.stops()] == ["CANCELED"]
    desk.assert_books_balance()
