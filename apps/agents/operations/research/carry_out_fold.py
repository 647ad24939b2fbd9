"""One fold of a stored search: tried further from where it was left, tested, kept."""

import time
from uuid import UUID

import numpy as np
from django.db import transaction

from apps.agents.domain.search.search_report import TestedFold
from apps.agents.domain.search.trials import Trial
from apps.agents.models import RunState, SearchFold, SearchTrial
from apps.agents.operations.research.carry_out_backtest import Told
from apps.agents.operations.research.search_wishes import candles_of, fold_of, search_wish_of, trial_of
from apps.agents.operations.research.settle_search import follow_fold
from apps.agents.operations.research.tell_research import call_workers
from apps.agents.operations.research.work_claims import Claim
from apps.agents.operations.search_parameters import search_fold
from apps.agents.ports import ParameterSampler
from apps.foundation.clock import Moment

TURN_SECONDS = 300.0  # then the fold is given back, so that others have their turn and no time limit cuts it off


class TurnOver(Exception):  # noqa: N818 - an answer, not a fault
    """The fold has used its turn; what it tried is stored."""


def compute_fold(*, work_id: UUID, told: Told, sampler: ParameterSampler) -> TestedFold | None:
    """The tested fold; None where its turn is over before it is done. Each trial is stored as soon as it is known.

    Raises ``Refused`` where no setting can be run, and what a strategy raises.
    """
    row = SearchFold.objects.select_related("search").get(pk=work_id)
    stored = row.search.wish
    known = [trial_of(trial) for trial in row.trials.order_by("number")]
    began = time.monotonic()
    told(len(known) / stored["trials"], "Reading the candles.")

    def keep(trial: Trial) -> None:
        _store(row, trial)
        told((trial.number + 1) / stored["trials"], f"Trial {trial.number + 1} of {stored['trials']}.")
        if time.monotonic() - began > TURN_SECONDS and trial.number + 1 < stored["trials"]:
            raise TurnOver

    try:
        return search_fold(
            wish=search_wish_of(stored),
            fold=fold_of(row),
            candles=candles_of(stored),
            sampler=sampler,
            trials=known,
            keep=keep,
        )
    except TurnOver:
        return None


@transaction.atomic
def keep_fold(*, claim: Claim, result: TestedFold | None, moment: Moment) -> bool:
    """Store the test and end the fold, or give it back; with the last fold the search is DONE."""
    held = SearchFold.objects.filter(pk=claim.id, state=RunState.RUNNING, claim=claim.token)
    if result is None:
        given_back = held.update(state=RunState.QUEUED, claim=None, queued_at=moment.wall, tries=0)
        call_workers()
        return bool(given_back)
    tested = {
        "figures": None if result.tested is None else dict(result.tested),
        "returns": result.returns.tolist(),
        "holding": result.holding.tolist(),
    }
    if not held.update(state=RunState.DONE, claim=None, ended_at=moment.wall, tested=tested):
        return False
    follow_fold(SearchFold.objects.get(pk=claim.id))
    return True


def _store(row: SearchFold, trial: Trial) -> None:
    """Once, however often it is tried: the numbers are unique, and a worker that comes back late tries the same."""
    SearchTrial.objects.bulk_create(
        [
            SearchTrial(
                fold=row,
                number=trial.number,
                parameters=dict(trial.parameters),
                value=trial.value,
                figures=dict(trial.figures),
                returns=np.ascontiguousarray(trial.returns).tobytes(),
                refused=trial.refused,
            )
        ],
        ignore_conflicts=True,
    )
