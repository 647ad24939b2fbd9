"""The executor's loops over several accounts."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from apps.foundation.clock import Moment
from workers import order_loops, reconciliation, venue_watch

START = datetime(2026, 1, 1, tzinfo=UTC)
SLOW = timedelta(seconds=12)  # longer than a request lives


@dataclass
class Account:
    name: str

    def take_news(self) -> None: ...


@pytest.mark.parametrize(
    ("loop", "step", "operation"),
    [
        (order_loops, "sweep_orders", "sweep_orders"),
        (order_loops, "listen_to_venues", "take_venue_news"),
        (order_loops, "poll_open_orders", "poll_open_orders_in_turn"),
        (order_loops, "poll_fills", "collect_fills_in_turn"),
        (venue_watch, "watch_venues", "check_venue"),
        (reconciliation, "reconcile_due_accounts", "reconcile_due"),
    ],
)
def test_an_account_that_takes_long_does_not_age_the_requests_of_the_next(monkeypatch, loop, step, operation):
    now, began = [START], {}

    def slow(*, venue, moment, **_):
        began[venue.name] = moment.wall
        now[0] += SLOW
        return 0

    accounts = {name: Account(name) for name in ("first", "second")}
    for known in ("venues", "all_venues"):
        monkeypatch.setattr(loop, known, lambda: accounts, raising=False)
    monkeypatch.setattr(loop.market, "current_moment", lambda: Moment(wall=now[0], firm=now[0]))
    monkeypatch.setattr(loop.trading, operation, slow)
    monkeypatch.setattr(order_loops.lease_memory, "term", object)
    getattr(loop, step)()
    assert began == {"first": START, "second": START + SLOW}
