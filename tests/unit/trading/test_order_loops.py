"""The executor's loops over several accounts."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from apps.foundation.clock import Moment
from apps.trading.operations import ReconciliationReport
from workers import execution, order_loops, reconciliation, venue_watch

START = datetime(2026, 1, 1, tzinfo=UTC)
SLOW = timedelta(seconds=12)  # longer than a request lives


@dataclass
class Account:
    name: str
    account: str = ""

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

    accounts = {name: Account(name, name) for name in ("first", "second")}
    for known in ("venues", "all_venues"):
        monkeypatch.setattr(loop, known, lambda: accounts, raising=False)
    monkeypatch.setattr(loop.market, "current_moment", lambda: Moment(wall=now[0], firm=now[0]))
    monkeypatch.setattr(loop.trading, operation, slow)
    monkeypatch.setattr(order_loops.lease_memory, "term", object)
    getattr(loop, step)()
    assert began == {"first": START, "second": START + SLOW}


def test_an_account_is_compared_by_one_at_a_time(monkeypatch):
    """Each minute asks for a comparison; where it takes longer, they would hold every thread of the executor."""
    first, second = Account("first", "first"), Account("second", "second")
    entered, leave = threading.Event(), threading.Event()
    began = []

    def slow(*, venue, moment):
        began.append(venue.name)
        if venue is first and len(began) == 1:
            entered.set()
            assert leave.wait(30)
        return ReconciliationReport(venue.name, finished=True, passed=True)

    monkeypatch.setattr(reconciliation.market, "current_moment", lambda: Moment(wall=START, firm=START))
    monkeypatch.setattr(reconciliation.trading, "reconcile_account", slow)
    monkeypatch.setattr(execution, "all_venues", lambda: {each.name: each for each in (first, second)})
    running = threading.Thread(target=reconciliation.compare, args=(first,))
    running.start()
    assert entered.wait(30)
    execution.reconcile_accounts()
    assert began == ["first", "second"], "the first is compared already"
    leave.set()
    running.join(30)
    execution.reconcile_accounts()
    assert began == ["first", "second", "first", "second"]
