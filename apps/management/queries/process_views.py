"""The house's loops by their pulse."""

from datetime import datetime, timedelta
from typing import Any

from apps.foundation import beats
from apps.foundation.time_text import utc_text

LATE = timedelta(seconds=30)
FORGOTTEN = timedelta(minutes=30)  # a loop silent for longer belongs to an earlier set of processes


def process_views(wall: datetime) -> list[dict[str, Any]]:
    """Each loop of this instance that beat in the last half hour: who runs it, its pulse, what went wrong."""
    return [
        {
            "name": pulse.name,
            "process": pulse.process,
            "host": pulse.host,
            "pid": pulse.pid,
            "alive": wall - pulse.beat_at <= LATE,
            "late": wall - pulse.beat_at > LATE,
            "beat_at": utc_text(pulse.beat_at),
            "last_step_at": utc_text(pulse.last_step_at),
            "age_seconds": round((wall - pulse.beat_at).total_seconds(), 1),
            "steps": pulse.steps,
            "errors": pulse.errors,
            "last_error": pulse.last_error,
            "standing_by": pulse.detail.get("standing_by", ""),
        }
        for pulse in beats.own()
        if wall - pulse.beat_at <= FORGOTTEN
    ]
