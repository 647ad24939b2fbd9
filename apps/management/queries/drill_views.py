"""Drills of the practice firm as the API and the screens show them."""

from dataclasses import asdict
from typing import Any

from django.conf import settings

from apps.foundation.time_text import utc_text
from apps.management.domain.practice_drills import PRACTICE_DRILLS
from apps.management.models import DrillRun
from apps.trading.queries import trading_state


def drill_view(row: DrillRun) -> dict[str, Any]:
    """One run; ``steps`` as ``{seconds, text}``."""
    known = PRACTICE_DRILLS.get(row.scenario)
    return {
        "id": str(row.pk),
        "scenario": row.scenario,
        "title": known.title if known else row.scenario,
        "reason": row.reason,
        "requested_by": row.requested_by,
        "requested_at": utc_text(row.requested_at),
        "state": row.state,
        "seed": row.seed,
        "steps": [{"seconds": seconds, "text": text} for seconds, text in row.steps],
        "problems": row.problems,
        "recovery_seconds": row.recovery_seconds,
        "started_at": utc_text(row.started_at),
        "ended_at": utc_text(row.ended_at),
    }


def drill_choices() -> dict[str, Any]:
    """What can be played, and whether it can be now: ``why_not`` is a sentence, or empty."""
    return {"why_not": why_no_drill(), "drills": [asdict(drill) for drill in PRACTICE_DRILLS.values()]}


def why_no_drill() -> str:
    """Why this firm can't be drilled now; empty when it can."""
    if settings.VENUE != "simulated" or not settings.HQ_SIMULATED_CONTROL:
        return (
            "Drills break the exchange on purpose, so they need the exchange simulator; here VENUE is"
            f" {settings.VENUE}. Start a practice firm with make run VENUE=simulated, or run make drills."
        )
    state = trading_state(settings.VENUE).state
    if state != "ACTIVE":
        return f"Trading is {state}; a drill needs a firm that trades. End what restricts it first."
    return ""
