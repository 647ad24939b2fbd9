"""What changes of research leave behind for the screens, and for the workers."""

from datetime import datetime
from uuid import UUID

from apps.agents.models import BacktestRun, RunState, SearchFold, SearchRun
from apps.agents.queries.backtest_views import backtest_line_of
from apps.agents.queries.search_views import search_line_of, trials_done
from apps.foundation import after_commit, live_updates, outbox

TAKE_UP = "workers.research.take_up"
START_WORKER = "workers.fleet.start_research_worker"
HINT_SECONDS = 60.0


def call_workers() -> None:
    """Say, once this transaction has committed, that work waits; and start a worker where one starts on demand.

    Hints only: what nobody heard is told again by ``tend_research``.
    """
    after_commit.enqueue(TAKE_UP, queue="research", expires=HINT_SECONDS)
    after_commit.enqueue(START_WORKER, queue="fleet", expires=HINT_SECONDS)


def tell_backtest_changed(row: BacktestRun) -> None:
    """Let the screens know, once this transaction has committed."""
    outbox.record_event(kind="backtest.changed", aggregate=f"backtest:{row.pk}", payload={"run_id": str(row.pk)})


def tell_search_changed(row: SearchRun) -> None:
    """Let the screens know, once this transaction has committed."""
    outbox.record_event(kind="search.changed", aggregate=f"search:{row.pk}", payload={"search_id": str(row.pk)})


def show_backtest(run_id: UUID, wall: datetime) -> None:
    """Publish the run's line as it stands, without a promise: a frame that is lost is followed by the next one's."""
    live_updates.publish(channel="backtests", kind="delta", data=backtest_line_of(run_id), as_of=wall)


def show_fold(fold_id: UUID, wall: datetime) -> None:
    """Publish how far the fold's search is, counted in trials that are stored."""
    search = SearchRun.objects.get(folds=fold_id)
    done, whole = trials_done(search.pk), search.wish["trials"] * search.folds.count()
    working = SearchFold.objects.filter(search=search, state=RunState.RUNNING).count()
    step = f"{done} of {whole} trials; {working} of {search.folds.count()} folds under way."
    SearchRun.objects.filter(pk=search.pk, state=RunState.RUNNING).update(progress=min(1.0, done / whole), step=step)
    live_updates.publish(channel="searches", kind="delta", data=search_line_of(search.pk), as_of=wall)
