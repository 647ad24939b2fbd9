"""The loop that releases bars: not before this one is settled, not faster than SPEED, five seconds at the longest."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.agents.models import Agent, DecisionRound, RoundState
from apps.agents.operations import open_rounds, seed_agents
from apps.foundation.clock import Moment
from apps.management.models import FleetState
from apps.market import queries
from apps.market.models import MarketClock, MarketState
from apps.trading.operations.execution.move_cursor import move_cursor
from workers import market_clock
from workers.market_clock import MarketClockDriver, pace
from workers.market_clock import missing_peers as peers  # the loop of these tests replaces the name in its module

pytestmark = pytest.mark.django_db
BEGIN = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class Loop:
    """A driver on a clock in the test's hand."""

    def __init__(self, monkeypatch):
        self.wall = BEGIN
        monkeypatch.setattr(market_clock, "wall_now", lambda: self.wall)
        self.missing = []
        monkeypatch.setattr(market_clock, "missing_peers", lambda since: self.missing)
        self.driver = MarketClockDriver()

    @property
    def bar_at(self):
        return queries.market_clock().bar_at

    def moment(self):
        return Moment(wall=self.wall, firm=self.bar_at)

    def step(self, **later):
        self.wall += timedelta(**later)
        return self.driver.step()

    def settle(self):
        """What the other loops do with a bar: guard it, open its rounds and close them."""
        move_cursor(name="guard", through=self.bar_at)
        open_rounds(bar_at=self.bar_at, moment=self.moment())
        DecisionRound.objects.filter(state=RoundState.OPEN).update(state=RoundState.CLOSED, closed_wall=self.wall)


@pytest.fixture
def loop(simulated, monkeypatch):
    return Loop(monkeypatch)


def test_the_first_step_starts_the_market(loop):
    assert not loop.step()
    assert loop.bar_at == queries.market_clock().first_open + timedelta(minutes=500)


def test_after_a_start_no_bar_is_released_before_all_who_must_see_it_are_there(loop):
    loop.missing = ["stop_guard"]
    loop.step()
    loop.settle()
    before = loop.bar_at
    assert not loop.step(seconds=6)
    assert loop.bar_at == before
    loop.missing = []
    assert loop.step(seconds=1)


def test_rounds_are_there_with_their_bar_and_the_next_one_waits_for_the_guard(loop):
    seed_agents(moment=Moment(wall=BEGIN, firm=BEGIN))
    Agent.objects.update(timeframe="1m")
    loop.step()
    loop.step(seconds=1)
    assert set(DecisionRound.objects.values_list("closed_at", flat=True)) == {loop.bar_at}
    DecisionRound.objects.update(state=RoundState.CLOSED, closed_wall=loop.wall)
    assert not loop.step()
    move_cursor(name="guard", through=loop.bar_at)
    assert loop.step()


def test_a_bar_whose_rounds_can_not_be_opened_is_left_behind_like_any_other(loop, monkeypatch):
    tries = []

    def fail(**asked):
        tries.append(asked["bar_at"])
        raise RuntimeError("no rounds today")

    seed_agents(moment=Moment(wall=BEGIN, firm=BEGIN))
    Agent.objects.update(timeframe="1m")
    monkeypatch.setattr(market_clock, "open_rounds", fail)

    def step_until_given_up():
        for _ in range(market_clock.MOST_TRIES):
            with pytest.raises(RuntimeError, match="no rounds today"):
                loop.step(seconds=0.1)

    step_until_given_up()
    before = loop.bar_at
    assert not loop.step(seconds=0.1)
    loop.wall += timedelta(seconds=5)
    after = before + timedelta(minutes=1)
    step_until_given_up()
    assert loop.bar_at == before  # a bar that nobody could be asked about is not half there
    assert loop.step(seconds=0.1)
    assert loop.bar_at == after
    assert tries == [before] * market_clock.MOST_TRIES + [after] * market_clock.MOST_TRIES


def test_a_settled_bar_is_followed_by_the_next_one_at_once_at_speed_zero(loop):
    loop.step()
    for _ in range(3):
        before = loop.bar_at
        loop.settle()
        assert loop.step()
        assert loop.bar_at == before + timedelta(minutes=1)


def test_an_unsettled_bar_is_left_behind_after_five_seconds(loop):
    loop.step()
    before = loop.bar_at
    assert not loop.step(seconds=4.9)
    assert loop.bar_at == before
    assert loop.step(seconds=0.2)
    assert loop.bar_at == before + timedelta(minutes=1)


def test_an_open_round_holds_the_bar(loop):
    seed_agents(moment=Moment(wall=BEGIN, firm=BEGIN))
    loop.step()
    move_cursor(name="guard", through=loop.bar_at)
    open_rounds(bar_at=loop.bar_at, moment=loop.moment())
    assert DecisionRound.objects.filter(state=RoundState.OPEN).exists()
    assert not loop.step(seconds=1)
    loop.settle()
    assert loop.step(seconds=1)


def test_speed_is_a_ceiling(loop, simulated):
    simulated.SPEED = 30.0
    loop.step()
    loop.settle()
    before = loop.bar_at
    assert not loop.step(seconds=1.9)
    assert loop.bar_at == before
    assert loop.step(seconds=0.2)


def test_a_slow_speed_waits_longer_than_five_seconds_for_the_next_bar(loop, simulated):
    simulated.SPEED = 6.0
    loop.step()
    assert not loop.step(seconds=9)
    assert loop.step(seconds=1.5)


def test_a_paused_market_stands_still(loop):
    loop.step()
    MarketClock.objects.update(state=MarketState.PAUSED)
    loop.settle()
    before = loop.bar_at
    assert not loop.step(seconds=60)
    assert loop.bar_at == before


def test_a_restarted_loop_goes_on_where_the_market_stands(loop):
    loop.step()
    loop.settle()
    loop.step()
    before = loop.bar_at
    loop.driver = MarketClockDriver()
    loop.step()
    assert loop.bar_at == before
    loop.settle()
    assert loop.step()


def test_a_starting_market_waits_for_its_agents_but_not_for_those_that_a_stop_keeps_down(loop):
    loop.step()
    seed_agents(moment=loop.moment())
    assert {"momentum-1", "stop_guard"} <= set(peers(BEGIN))
    FleetState.objects.update_or_create(pk=1, defaults={"paused": True})
    assert set(peers(BEGIN)) == market_clock.PEERS


@pytest.mark.parametrize(("speed", "seconds"), [(0, 0), (1, 60), (60, 1), (300, 0.2)])
def test_the_pace_follows_the_speed(speed, seconds):
    assert pace("1m", speed) == timedelta(seconds=seconds)
