"""Exits that were fired and do not get done are chased; there is never a second sale for the same units."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import F, Sum

from apps.foundation.errors import OutcomeUnknown
from apps.trading.domain.orders.order_lifecycle import OPEN
from apps.trading.models import Order
from apps.trading.operations.protection.guard_cycle import guard_cycle
from apps.trading.operations.risk.halt_trading import halt_trading
from apps.trading.ports import VenueRefused
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
NOTHING_TRADES = (49_000, 49_000, 49_000, 49_000, "0")


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def crash(desk):
    """A bar through the stop; the exit is on its way afterwards."""
    stop_price = desk.stops()[0].stop_price
    desk.bar(BTC=(50_000, 50_000, stop_price - 100, stop_price - 50))


def offered(desk):
    """Units that open sales, whatever their state, may still sell."""
    sales = Order.objects.filter(side="sell", state__in=OPEN)
    return sales.aggregate(left=Sum(F("quantity") - F("filled_quantity")))["left"] or D(0)


def test_an_exit_that_meets_no_trade_is_taken_back_and_sold_anew(desk):
    desk.buy()
    crash(desk)
    states = []
    for _ in range(5):
        desk.bar(BTC=NOTHING_TRADES)
        desk.sweep(later=3)
        assert offered(desk) <= desk.position().quantity, "one sale for each unit, no more"
        desk.guard()
        assert offered(desk) == desk.position().quantity, "what is taken back is covered again"
        states.append([stop.state for stop in desk.stops()])
    assert any("CANCELED" in row for row in states)
    assert len(desk.stops()) >= 2
    desk.bar()
    desk.bar()
    assert desk.position().quantity == 0
    assert max(desk.venue.sent.values()) == 1
    desk.assert_books_balance()


def test_a_chased_exit_is_sold_although_the_price_came_back(desk):
    desk.buy()
    crash(desk)
    (fired,) = desk.stops()
    for _ in range(4):
        desk.bar(BTC=(50_500, 50_500, 50_500, 50_500, "0"))
        desk.sweep(later=3)
    for _ in range(3):
        desk.bar(BTC=(50_500, 50_600, 50_400, 50_500))
    assert desk.position().quantity == 0, "an exit that was due stays due"
    assert desk.order(fired.pk).state == "CANCELED"
    desk.assert_books_balance()


def test_an_exit_of_unknown_outcome_is_looked_up_and_never_sent_twice(desk):
    desk.buy()
    stop_price = desk.stops()[0].stop_price
    desk.market.bar(BTC=(50_000, 50_000, stop_price - 100, stop_price - 50))
    desk.match()
    desk.guard()
    desk.venue.after_submit = OutcomeUnknown("The line went dead after the request.")
    desk.send(desk.stops()[0].pk)
    (fired,) = desk.stops()
    assert fired.state == "UNKNOWN"
    desk.venue.after_submit = None
    for _ in range(4):
        desk.market.bar(BTC=NOTHING_TRADES)
        desk.match()
        desk.guard()
        assert offered(desk) == desk.position().quantity
        assert len(desk.stops()) == 1, "nothing is armed beside an exit that may be at work"
    desk.sweep()
    desk.bar()
    desk.bar()
    assert desk.position().quantity == 0
    assert desk.venue.sent[fired.client_order_id] == 1
    assert Counter(stop.state for stop in desk.stops()) == {"FILLED": 1}
    desk.assert_books_balance()


def test_the_guard_chases_in_a_halt_too(desk):
    desk.buy()
    crash(desk)
    halt_trading(actor="tester", reason="test", flatten=False, moment=desk.moment())
    for _ in range(4):
        desk.bar(BTC=NOTHING_TRADES)
        desk.sweep(later=3)
    for _ in range(3):
        desk.bar()
    assert desk.position().quantity == 0
    desk.assert_books_balance()


def test_a_refused_stop_that_is_no_dust_is_asked_again_later(desk):
    desk.buy()
    desk.venue.before_submit = VenueRefused("The market is closed.", code="venue_closed")
    crash(desk)
    for _ in range(4):
        desk.bar(BTC=NOTHING_TRADES)
    assert Counter(stop.state for stop in desk.stops()) == {"REJECTED": 3}
    desk.venue.before_submit = None
    desk.market.bar(BTC=NOTHING_TRADES)
    desk.match()
    later = desk.moment(later=timedelta(minutes=11).total_seconds())
    guard_cycle(moment=later)
    desk.sweep()
    desk.bar()
    desk.bar()
    assert desk.position().quantity == 0
    desk.assert_books_balance()
