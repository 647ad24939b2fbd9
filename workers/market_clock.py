"""The loop that drives the market: releases the next bar when this one is settled, and opens the rounds of each bar.

The order of one bar is in docs/architecture.md, "One bar, in lock-step".
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from apps.agents import queries as agents
from apps.agents.operations import open_rounds, score_agents
from apps.foundation import after_commit, beats
from apps.foundation.clock import Moment, wall_now
from apps.foundation.loops import Loop
from apps.management import queries as management
from apps.market import operations as market
from apps.market.domain import timeframes
from apps.market.domain.quotes import Quote
from apps.market.queries import MarketClockView, current_moment, market_clock
from apps.trading import queries as trading

LONGEST_BAR = timedelta(seconds=5)  # wall clock: a bar that isn't settled by then is left behind
MOST_TRIES = 5  # to open the rounds of one bar
FIRST_POLL_SECONDS = 30  # life of the request for the first prices
SCORED_EVERY = "1h"  # firm clock: in lock-step weights change between the same bars on every run
IDLE_SECONDS = 0.05
REST = timedelta(seconds=0.5)  # between looks at a market that doesn't move
PATIENCE = timedelta(seconds=60)  # wall clock: how long a starting house is waited for
PEERS = {"paper_matching", "stop_guard"}  # loops without which a bar would pass unmatched or unguarded
log = structlog.get_logger(__name__)


class MarketClockDriver:
    """What one process remembers between steps; the database holds everything that matters."""

    def __init__(self) -> None:
        self.started = False
        self.began: datetime | None = None
        self.together = False
        self.quiet_until: datetime | None = None
        self.tries: dict[
            datetime, int
        ] = {}  # to open the rounds of the last two bars: this one's and the next one's, which come in turns

    def step(self) -> bool:
        """One look at the market; True when a bar was released."""
        wall = wall_now()
        if self.quiet_until is not None and wall < self.quiet_until:
            return False
        if not self.started:
            started = market.start_market(moment=current_moment(wall))
            self.started = True
            if not started.lock_step:  # the first prices without waiting for the schedule
                after_commit.enqueue("workers.market.poll_quotes", queue="market", expires=FIRST_POLL_SECONDS)
        clock = market_clock()
        if clock.state != "running" or clock.bar_at is None:
            self.quiet_until = wall + REST
            return False
        return self._drive(clock, clock.bar_at, wall) if clock.lock_step else self._open_live(clock.bar_at, wall)

    def _drive(self, clock: MarketClockView, bar_at: datetime, wall: datetime) -> bool:
        """Lock-step: rounds with the bar; the next one once all is settled and ``SPEED`` lets it."""
        if not self._is_together(wall):
            self.quiet_until = wall + REST
            return False
        released_at = clock.released_at or wall
        due = released_at + pace(clock.base_timeframe, clock.speed)
        asked = self._has_rounds(bar_at, wall)
        if asked and wall < due:  # nothing is looked at while agents and guard are at work
            self.quiet_until = due
            return False
        settled = asked and _is_settled(bar_at)
        if not settled and wall < max(due, released_at + LONGEST_BAR):
            return False
        if not settled:
            log.warning("bar_left_unsettled", bar_at=bar_at.isoformat(), waited_seconds=LONGEST_BAR.total_seconds())
        self.quiet_until = None
        if timeframes.is_boundary(bar_at, SCORED_EVERY):
            score_agents(moment=Moment(wall=wall, firm=bar_at))
        return market.release_next_bar(
            moment=Moment(wall=wall, firm=bar_at),
            # The rounds are there with their bar, before paper exchange and guard begin; the questions leave before its
            # prices are shown, so that the agents think meanwhile.
            with_it=lambda released, quotes: self._open_rounds(released, wall_now(), quotes),
        )

    def _is_together(self, wall: datetime) -> bool:
        """After a start the market waits until those who must see each bar are there; then it never asks again."""
        self.began = self.began or wall
        if not self.together:
            missing = missing_peers(self.began)
            self.together = not missing or wall - self.began > PATIENCE
            if self.together:
                log.info("market_goes_on", waited_seconds=(wall - self.began).total_seconds(), missing=missing)
        return self.together

    def _open_live(self, bar_at: datetime, wall: datetime) -> bool:
        """Live: rounds for the bar that ``close_candles`` has announced."""
        self._has_rounds(bar_at, wall)
        self.quiet_until = wall + REST
        return False

    def _has_rounds(self, bar_at: datetime, wall: datetime) -> bool:
        """Whether the bar's rounds are open or were; if not they are opened, for the next look."""
        if agents.rounds_opened(bar_at):
            return True
        self._open_rounds(bar_at, wall)
        return False

    def _open_rounds(self, bar_at: datetime, wall: datetime, quotes: Sequence[Quote] = ()) -> None:
        """Ask the agents. What fails is told by the loop and tried a few times, so that the market goes on without."""
        tries = self.tries.pop(bar_at, 0) + 1
        self.tries = dict([*self.tries.items(), (bar_at, tries)][-2:])
        if tries <= MOST_TRIES:
            open_rounds(bar_at=bar_at, moment=current_moment(wall), quotes=quotes)


def _is_settled(bar_at: datetime) -> bool:
    """Has every agent been heard, has the guard seen the bar and every order reached the venue?"""
    guarded = trading.is_through("guard", bar_at)
    return guarded and agents.rounds_settled(bar_at) and trading.orders_settled(bar_at)


def missing_peers(since: datetime) -> list[str]:
    """The loops and running agents that have shown no sign of life since then, by name.

    A stop keeps the agents down: then none is waited for.
    """
    alive = {beat.name.rpartition("/")[2] for beat in beats.all() if beat.beat_at >= since}
    running = [] if management.fleet_is_paused() else [agent for agent in agents.desired_agents() if agent.running]
    signs = agents.heartbeats([agent.id for agent in running]).beats
    silent = [
        agent.name
        for agent in running
        if agent.id not in signs or datetime.fromisoformat(signs[agent.id]["at"]) < since
    ]
    return sorted(PEERS - alive) + silent


def pace(base_timeframe: str, speed: float) -> timedelta:
    """The shortest wall time between two bars; none when the speed is 0."""
    return timedelta(seconds=timeframes.seconds(base_timeframe) / speed) if speed > 0 else timedelta(0)


LOOPS = (Loop(name="market_clock", step=MarketClockDriver().step, idle_seconds=IDLE_SECONDS, wake="hq_cursor_guard"),)
