"""Drills on the running practice firm: asked for by a person, played by a task, every step kept as it happens."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from apps.foundation import after_commit, audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused
from apps.foundation.identifiers import new_id
from apps.management.domain.practice_drills import PRACTICE_DRILLS
from apps.management.models import DrillRun, DrillState
from apps.management.queries.drill_views import drill_view, why_no_drill

RUN = "workers.upkeep.run_drill"
STARTS_WITHIN = 120
LOST_AFTER = timedelta(minutes=10)
LONGEST_STEP = 500
UNDER_WAY = (DrillState.WAITING, DrillState.RUNNING)


@transaction.atomic
def request_drill(*, scenario: str, reason: str, actor: str, moment: Moment) -> dict[str, Any]:
    """Ask for a drill; its view.

    Raises ``Refused`` for an unknown drill, without a reason, or where no practice exchange is traded, and ``Conflict``
    while another drill is under way.
    """
    reason = reason.strip()
    if not reason:
        raise Refused("Say why the firm is drilled.", code="reason_required", field="reason")
    if scenario not in PRACTICE_DRILLS:
        raise Refused(
            f"scenario was {scenario!r}; there are {', '.join(PRACTICE_DRILLS)}.",
            code="unknown_drill",
            field="scenario",
        )
    why_not = why_no_drill()
    if why_not:
        raise Refused(why_not, code="no_practice_firm")
    with_lock = DrillRun.objects.select_for_update().filter(state__in=UNDER_WAY).order_by("pk")
    _give_up_lost(with_lock, moment)
    if with_lock.exists():
        raise Conflict("A drill is under way; wait for its end.", code="drill_under_way")
    row = DrillRun.objects.create(
        pk=new_id(),
        scenario=scenario,
        reason=reason,
        requested_by=actor,
        requested_at=moment.wall,
        seed=settings.SIMULATED_SEED,
    )
    audit.append(
        chain=audit.OPERATIONS,
        action="drill.requested",
        actor=actor,
        subject=f"drill:{row.pk}",
        payload={"scenario": scenario, "reason": reason},
        moment=moment,
    )
    after_commit.enqueue(RUN, queue="upkeep", expires=STARTS_WITHIN, run_id=str(row.pk))
    return drill_view(row)


def claim_drill(*, run_id: UUID, moment: Moment) -> DrillRun | None:
    """Take a waiting drill; None when somebody has it. A redelivered task gets None."""
    taken = DrillRun.objects.filter(pk=run_id, state=DrillState.WAITING)
    if not taken.update(state=DrillState.RUNNING, started_at=moment.wall):
        return None
    return DrillRun.objects.get(pk=run_id)


def note_drill_steps(*, run_id: UUID, steps: Sequence[tuple[float, str]]) -> None:
    """Keep what has happened so far."""
    kept = [[seconds, text[:LONGEST_STEP]] for seconds, text in steps]
    DrillRun.objects.filter(pk=run_id, state=DrillState.RUNNING).update(steps=kept)


def end_drill(*, run_id: UUID, problems: Sequence[str], recovery_seconds: float | None, moment: Moment) -> None:
    """Write down how it ended; without problems it has passed."""
    DrillRun.objects.filter(pk=run_id, state=DrillState.RUNNING).update(
        state=DrillState.FAILED if problems else DrillState.PASSED,
        problems=[problem[:LONGEST_STEP] for problem in problems],
        recovery_seconds=recovery_seconds,
        ended_at=moment.wall,
    )


def _give_up_lost(under_way: QuerySet[DrillRun], moment: Moment) -> None:
    """A drill whose process was killed must not keep people from the next one."""
    under_way.filter(requested_at__lt=moment.wall - LOST_AFTER).update(
        state=DrillState.FAILED,
        problems=["The process that played it ended before the drill did."],
        ended_at=moment.wall,
    )
