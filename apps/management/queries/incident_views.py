"""Incidents as the API and the screens show them."""

from typing import Any

from apps.foundation.time_text import utc_text
from apps.management.models import Incident


def incident_view(row: Incident) -> dict[str, Any]:
    """One incident."""
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "subject": row.subject,
        "severity": row.severity,
        "detail": row.detail,
        "open": row.closed_at is None,
        "opened_at": utc_text(row.opened_at),
        "last_seen_at": utc_text(row.last_seen_at),
        "occurrences": row.occurrences,
        "closed_at": utc_text(row.closed_at),
        "closed_by": row.closed_by,
        "close_reason": row.close_reason,
    }


def incident_views(*, only_open: bool = True, limit: int = 50) -> list[dict[str, Any]]:
    """The newest incidents."""
    rows = Incident.objects.order_by("-opened_at", "-pk")
    return [incident_view(row) for row in (rows.filter(closed_at__isnull=True) if only_open else rows)[:limit]]
