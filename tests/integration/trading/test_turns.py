"""Several executors ask a venue in turn, not all of them for the same."""

from datetime import timedelta

import pytest

from apps.foundation.clock import Moment
from apps.trading.operations.books.collect_fills import collect_fills_in_turn
from apps.trading.operations.execution.take_turn import take_turn
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)
EVERY = timedelta(seconds=3)


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def turn(desk, later, what="polled_wall"):
    return take_turn(account="paper", turn=what, every=EVERY, moment=desk.moment(later=later))


def test_a_turn_is_taken_once_until_its_time_is_over(desk):
    assert [turn(desk, later) for later in (0, 0, 1, 2.9, 3, 4, 6)] == [True, False, False, False, True, False, True]


def test_turns_of_two_kinds_are_two(desk):
    assert turn(desk, 0)
    assert turn(desk, 0, "collected_wall")


def test_a_clock_that_was_set_back_ends_the_turn(desk):
    assert turn(desk, 3_600)
    assert turn(desk, 0)


def test_trades_are_collected_by_one_executor_at_a_time(desk, monkeypatch):
    asked = []
    real = desk.venue.fills_since
    monkeypatch.setattr(desk.venue, "fills_since", lambda **given: asked.append(1) or real(**given))
    now = desk.moment()
    for seconds in (0, 0.1, 5, 10):
        moment = Moment(wall=now.wall + timedelta(seconds=seconds), firm=now.firm)
        collect_fills_in_turn(venue=desk.venue, moment=moment)
    assert len(asked) == 2
