"""A real research worker: killed in the middle of a run, followed by another one, which ends when it is idle."""

import time
from datetime import timedelta
from uuid import UUID

import pytest

from apps.agents import operations, queries
from apps.foundation.clock import Moment, wall_now
from tests.support.candle_columns import random_columns
from tests.support.research_worker import ResearchWorker
from tests.support.staged_market import stage_market, store_columns

PATIENCE_SECONDS = 120
TEND_SECONDS = 10


def now(**later):
    wall = wall_now() + timedelta(**later)
    return Moment(wall=wall, firm=wall)


def wait_for(check, what):
    """Poll, and tend as beat does: on a busy machine a hint may be older than it lives when a worker comes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    tended = time.monotonic()
    while not check():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        if time.monotonic() - tended > TEND_SECONDS:
            operations.tend_research(moment=now())
            tended = time.monotonic()
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_loses_no_run_and_an_idle_one_ends(clean_redis, tmp_path):
    stage_market(history=0)
    store_columns(random_columns(2_500, seed=1))
    wish = {"strategies": [{"name": "breakout"}, {"name": "mean_reversion"}], "instruments": ["BTC/USDT"]}
    run = UUID(operations.request_backtest(**wish, actor="ada", moment=now())["id"])

    def state():
        return queries.backtest_line_of(run)["state"]

    first = ResearchWorker(tmp_path)
    second = None
    try:
        wait_for(lambda: state() == "RUNNING", "a worker to take the run")
        first.kill()
        assert state() == "RUNNING"  # nobody can tell yet
        assert operations.tend_research(moment=now(seconds=60)) == 1
        assert state() == "QUEUED"
        second = ResearchWorker(tmp_path)
        wait_for(lambda: state() == "DONE", "the next worker to finish it")
        assert queries.backtest_line_of(run)["tries"] == 2
        assert second.process.wait(PATIENCE_SECONDS) == 0, second.log.read_text()[-2000:]
    finally:
        for worker in filter(None, (first, second)):
            worker.kill()
