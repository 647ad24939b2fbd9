"""Whether the house can do its work, part by part."""

from typing import Any

from apps.foundation.clock import Moment
from apps.foundation.health import check_parts
from apps.foundation.time_text import utc_text
from apps.management.models import Container, Incident
from apps.management.queries.process_views import process_views


def health_view(moment: Moment) -> dict[str, Any]:
    """``ok`` when each part answers, each loop beats and each wanted container makes progress; else what is wrong."""
    parts = [{"part": one.part, "ok": one.ok, "detail": one.detail, "ms": one.milliseconds} for one in check_parts()]
    loops = process_views(moment.wall)
    containers = list(Container.objects.filter(wanted=True).order_by("name").values("name", "health", "reason"))
    problems = [
        *(one["detail"] for one in parts if not one["ok"]),
        *(f"{one['name']} has not beaten for {one['age_seconds']:.0f} s." for one in loops if one["late"]),
        *(f"{one['name']} is {one['health']}. {one['reason']}" for one in containers if _is_bad(one["health"])),
    ]
    return {
        "ok": not problems,
        "problems": problems,
        "parts": parts,
        "processes": loops,
        "containers": containers,
        "open_incidents": Incident.objects.filter(closed_at__isnull=True).count(),
        "as_of": utc_text(moment.wall),
    }


def _is_bad(health: str) -> bool:
    return health in {"silent", "stalled", "ended", "quarantined"}
