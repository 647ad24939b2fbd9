"""The pulse of every long-lived loop, one row each, for the health pages and metrics. Wall clock."""

import os
import socket
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from apps.foundation.models import ProcessBeat

AFTER_INSTANCE = ":"


@dataclass(slots=True)
class Pulse:
    """What a loop knows of itself; ``name`` is its ``full_name``."""

    name: str
    process: str
    started_at: datetime
    last_step_at: datetime | None = None
    steps: int = 0
    errors: int = 0
    last_error: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def full_name(process: str, loop: str) -> str:
    """``<process>/<loop>``; that of an instance that is no primary begins with its name, since all share one table."""
    return f"{_prefix()}{process}/{loop}"


def _prefix() -> str:
    return "" if settings.HQ_ROLE == "primary" else f"{settings.HQ_INSTANCE}{AFTER_INSTANCE}"


def beat(pulse: Pulse, *, wall: datetime) -> None:
    """Write the loop's row: one upsert."""
    values = {
        "process": pulse.process,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started_at": pulse.started_at,
        "beat_at": wall,
        "last_step_at": pulse.last_step_at,
        "steps": pulse.steps,
        "errors": pulse.errors,
        "last_error": pulse.last_error,
        "detail": pulse.detail,
    }
    row = ProcessBeat(name=pulse.name, **values)
    ProcessBeat.objects.bulk_create([row], update_conflicts=True, unique_fields=["name"], update_fields=list(values))


def all() -> list[ProcessBeat]:  # noqa: A001 - read as beats.all()
    """The last pulse of every loop that ever ran on this database, by name; a reader judges by ``beat_at``."""
    return list(ProcessBeat.objects.order_by("name"))


def own() -> list[ProcessBeat]:
    """The same of this instance's loops only: whether another instance lives is not told by each of its loops."""
    prefix = _prefix()
    rows = ProcessBeat.objects.order_by("name")
    mine = rows.filter(name__startswith=prefix) if prefix else rows.exclude(name__contains=AFTER_INSTANCE)
    return list(mine)


def forget_process(process: str) -> int:
    """Delete the pulses of this instance's process that was ended on purpose: its silence is no news; how many."""
    return ProcessBeat.objects.filter(name__startswith=full_name(process, "")).delete()[0]


def forget(*, before: datetime) -> int:
    """Delete pulses that stopped before ``before``; how many."""
    return ProcessBeat.objects.filter(beat_at__lt=before).delete()[0]
