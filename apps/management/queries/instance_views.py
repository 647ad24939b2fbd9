"""The instances of this firm."""

from datetime import datetime, timedelta
from typing import Any

from apps.foundation.time_text import utc_text
from apps.management.models import Instance

ALIVE = timedelta(seconds=90)
PRIMARY = "primary"


def instance_view(row: Instance, wall: datetime) -> dict[str, Any]:
    """One instance."""
    alive = wall - row.seen_at <= ALIVE
    return {
        "name": row.name,
        "role": row.role,
        "leader": row.role == PRIMARY and alive,
        "alive": alive,
        "host": row.host,
        "runtime": row.runtime,
        "version": row.version,
        "started_at": utc_text(row.started_at),
        "seen_at": utc_text(row.seen_at),
    }


def instance_views(wall: datetime) -> list[dict[str, Any]]:
    """Every instance that ever reported, by name."""
    return [instance_view(row, wall) for row in Instance.objects.order_by("name")]


def leader_name(wall: datetime) -> str | None:
    """The instance that trades; None while no primary reports."""
    found = Instance.objects.filter(role=PRIMARY, seen_at__gte=wall - ALIVE).order_by("name").first()
    return found.name if found else None
