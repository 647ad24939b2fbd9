"""How a worker takes research, shows that it lives, and lets go; and what becomes of work whose worker was lost.

Every step is one guarded update: a worker that was thought lost and comes back finds its claim gone, and changes
nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from apps.agents.models import AskedRun, ClaimedWork, RunState
from apps.agents.operations.research.tell_research import call_workers
from apps.agents.operations.research.work_kinds import KINDS
from apps.foundation.clock import Moment
from apps.foundation.identifiers import new_id

LOST_AFTER = timedelta(seconds=30)
MOST_TRIES = 3
LONGEST_PROBLEM = 2_000
LOST = (
    f"The worker that ran it was lost {MOST_TRIES} times: killed, or out of memory. "
    "Take fewer instruments or candles, or give the worker more memory."
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a worker works on; ``token`` proves that it still does."""

    kind: str
    id: UUID
    token: UUID


@transaction.atomic
def claim_next_work(*, moment: Moment) -> Claim | None:
    """Take what has waited longest, backtests first; None where nothing waits. Another worker takes another piece."""
    for kind in KINDS.values():
        waiting = kind.model.objects.select_for_update(skip_locked=True).filter(state=RunState.QUEUED)
        row = waiting.order_by("queued_at", "pk").first()
        if row is None:
            continue
        row.state, row.claim, row.tries = RunState.RUNNING, new_id(), row.tries + 1
        row.started_at = row.beat_at = moment.wall
        row.save(update_fields=["state", "claim", "tries", "started_at", "beat_at"])
        kind.changed(row)
        return Claim(kind.name, row.pk, row.claim)
    return None


def beat_work(*, claim: Claim, progress: float, step: str, wall: datetime) -> bool:
    """Show that the claim's worker lives and how far it is; False: the claim is gone."""
    kind = KINDS[claim.kind]
    told: dict[str, Any] = {"progress": min(1.0, progress), "step": step} if issubclass(kind.model, AskedRun) else {}
    if not _held(claim).update(beat_at=wall, **told):
        return False
    kind.show(claim.id, wall)
    return True


@transaction.atomic
def fail_work(*, claim: Claim, problem: str, moment: Moment) -> bool:
    """End the work with the reason; False: somebody else ended it or took it meanwhile."""
    ended = _held(claim).update(
        state=RunState.FAILED, claim=None, problem=problem[:LONGEST_PROBLEM], ended_at=moment.wall
    )
    if ended:
        kind = KINDS[claim.kind]
        kind.changed(kind.model.objects.get(pk=claim.id))
    return bool(ended)


@transaction.atomic
def tend_research(*, moment: Moment) -> int:
    """Queue again what lost its worker, give up what lost it too often, call workers while something waits; how many
    were lost.
    """
    lost = 0
    for kind in KINDS.values():
        running = kind.model.objects.select_for_update(skip_locked=True)
        silent = running.filter(state=RunState.RUNNING, beat_at__lt=moment.wall - LOST_AFTER)
        for row in silent.order_by("pk"):
            _give_back(row, moment)
            kind.changed(row)
            lost += 1
    call_for_waiting()
    return lost


def call_for_waiting() -> None:
    """Call workers while anything waits."""
    if any(kind.model.objects.filter(state=RunState.QUEUED).exists() for kind in KINDS.values()):
        call_workers()


def _give_back(row: ClaimedWork, moment: Moment) -> None:
    row.claim = None
    if row.tries < MOST_TRIES:
        row.state, row.queued_at = RunState.QUEUED, moment.wall
    else:
        row.state, row.problem, row.ended_at = RunState.FAILED, LOST, moment.wall
    row.save(update_fields=["state", "claim", "queued_at", "problem", "ended_at"])


def _held(claim: Claim) -> QuerySet[ClaimedWork]:
    return KINDS[claim.kind].model.objects.filter(pk=claim.id, state=RunState.RUNNING, claim=claim.token)
