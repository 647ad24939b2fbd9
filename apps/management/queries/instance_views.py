"""The instances of this firm, and the lease that one of them holds."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from apps.foundation import lease
from apps.foundation.lease import LeaseSeen
from apps.foundation.lease_memory import words_of
from apps.foundation.time_text import utc_text
from apps.management.domain.instance_roles import promotion_stands
from apps.management.models import Instance

ALIVE = timedelta(seconds=20)  # each says so every few seconds


def instance_view(row: Instance, wall: datetime, seen: list[LeaseSeen] | None = None) -> dict[str, Any]:
    """One instance. ``seen``: the leases, where they were read already."""
    held = _held_by(row, lease.observe() if seen is None else seen)
    return {
        "id": row.name,
        "name": row.name,
        "role": row.role,
        "leader": held is not None,
        "epoch": held.epoch if held else None,
        "lease_age_seconds": round(held.renewed_ago, 1) if held else None,
        "promotion_wanted": promotion_stands(row.promotion_at, wall),
        "alive": wall - row.seen_at <= ALIVE,
        "host": row.host,
        "runtime": row.runtime,
        "version": row.version,
        "started_at": utc_text(row.started_at),
        "seen_at": utc_text(row.seen_at),
    }


def instance_views(wall: datetime, rows: Iterable[Instance] | None = None) -> list[dict[str, Any]]:
    """These instances, or every one that ever reported, by name."""
    seen = lease.observe()
    return [instance_view(row, wall, seen) for row in (Instance.objects.order_by("name") if rows is None else rows)]


def lease_view() -> dict[str, Any]:
    """Who holds the lease, since when, how fresh it is: ``leader`` is None while nobody may trade."""
    seen = lease.observe()
    alive = [one for one in seen if one.alive]
    newest = max(seen, key=lambda one: one.renewed_at, default=None)
    return {
        "leader": alive[0].holder if alive else None,
        "epoch": newest.epoch if newest else 0,
        "held_since": utc_text(alive[0].acquired_at) if alive else None,
        "age_seconds": round(newest.renewed_ago, 1) if newest else None,
        "sends_in_seconds": round(max((one.sends_in for one in alive), default=0.0), 1),
        "text": "" if alive else words_of(seen),
    }


def leader_name() -> str | None:
    """The instance that trades; None while nobody holds the lease."""
    return next((one.holder for one in lease.observe() if one.alive), None)


def promoted_instance(wall: datetime) -> str | None:
    """The instance that a person wants to lead, while that wish stands."""
    rows = Instance.objects.filter(promotion_at__isnull=False).order_by("-promotion_at")
    return next((row.name for row in rows if promotion_stands(row.promotion_at, wall)), None)


def _held_by(row: Instance, seen: list[LeaseSeen]) -> LeaseSeen | None:
    return next((one for one in seen if one.alive and one.house == row.house), None)
