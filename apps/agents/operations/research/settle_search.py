"""What a fold's end, or begin, means for its search."""

from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np

from apps.agents.domain.search.search_report import TestedFold
from apps.agents.domain.search.trials import best_trial
from apps.agents.models import UNDER_WAY, RunState, SearchFold, SearchRun
from apps.agents.operations.research.search_wishes import fold_of, search_wish_of, trial_of
from apps.agents.operations.research.tell_research import tell_search_changed
from apps.agents.operations.search_parameters import report_of


def follow_fold(row: SearchFold) -> None:
    """In the transaction that changed a fold: the search runs with its first one, and ends with its last."""
    begun = SearchRun.objects.filter(pk=row.search_id, state=RunState.QUEUED)
    if row.state == RunState.RUNNING and begun.update(state=RunState.RUNNING, started_at=row.started_at):
        tell_search_changed(SearchRun.objects.get(pk=row.search_id))
    if row.ended_at is not None:
        settle_search(row.search_id, row.ended_at)


def settle_search(search_id: UUID, wall: datetime) -> None:
    """End the search where all folds are DONE or one FAILED; then nobody goes on with the others."""
    search = SearchRun.objects.select_for_update().get(pk=search_id)
    if search.state not in UNDER_WAY:
        return
    folds = list(search.folds.order_by("number"))
    failed = next((fold for fold in folds if fold.state == RunState.FAILED), None)
    if failed is not None:
        search.state, search.problem = RunState.FAILED, failed.problem
        others = search.folds.filter(state__in=UNDER_WAY)
        others.update(state=RunState.CANCELED, claim=None, ended_at=wall, problem="Another fold failed.")
    elif all(fold.state == RunState.DONE for fold in folds):
        wish = search_wish_of(search.wish)
        search.report = report_of(wish, search.wish["instruments"][0], [_tested(fold) for fold in folds])
        search.state, search.progress = RunState.DONE, 1.0
    else:
        return
    search.ended_at, search.step = wall, ""
    search.save()
    tell_search_changed(search)


def _tested(row: SearchFold) -> TestedFold:
    trials = [trial_of(trial) for trial in row.trials.order_by("number")]
    best = best_trial(trials)
    assert best is not None, "a fold that is DONE has a best trial"
    kept: dict[str, Any] = row.tested
    return TestedFold(fold_of(row), trials, best, kept["figures"], np.array(kept["returns"]), np.array(kept["holding"]))
