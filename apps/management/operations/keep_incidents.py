"""Incidents: one open row for one trouble with one subject."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, NotFound, Refused
from apps.foundation.identifiers import new_id
from apps.management.models import Incident, Severity
from apps.management.operations.tell_screens import tell_system_changed
from apps.management.queries.incident_views import incident_view

SYSTEM = "system"
LONGEST_DETAIL = 2_000


@transaction.atomic
def open_incident(
    *, kind: str, subject: str, detail: str, moment: Moment, severity: str = Severity.WARNING
) -> dict[str, Any]:
    """Open the incident, or count it again when it is open; its view. May run twice and beside itself."""
    detail = detail[:LONGEST_DETAIL]
    new = Incident(
        pk=new_id(),
        kind=kind,
        subject=subject,
        severity=severity,
        detail=detail,
        opened_at=moment.wall,
        last_seen_at=moment.wall,
    )
    # The partial unique index decides between two that open it at once.
    Incident.objects.bulk_create([new], ignore_conflicts=True)
    if not Incident.objects.filter(pk=new.pk).exists():
        again = Incident.objects.filter(kind=kind, subject=subject, closed_at__isnull=True)
        again.update(occurrences=F("occurrences") + 1, last_seen_at=moment.wall, detail=detail)
        found = again.first()
        return incident_view(found or new)
    tell_system_changed()
    return incident_view(new)


@transaction.atomic
def close_incident(*, incident_id: UUID, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """A person closes it. Raises ``NotFound``, ``Conflict`` when it is closed, ``Refused`` without a reason."""
    reason = reason.strip()
    if not reason:
        raise Refused("Say why this incident can be closed.", code="reason_required", field="reason")
    incident = Incident.objects.select_for_update().filter(pk=incident_id).first()
    if incident is None:
        raise NotFound(f"There is no incident {incident_id}.", code="unknown_incident")
    if incident.closed_at is not None:
        raise Conflict(f"This incident was closed by {incident.closed_by} already.", code="incident_closed")
    _close(incident, actor, reason, moment)
    audit.append(
        chain=audit.OPERATIONS,
        action="incident.closed",
        actor=actor,
        subject=f"incident:{incident_id}",
        payload={"kind": incident.kind, "subject": incident.subject, "reason": reason},
        moment=moment,
    )
    return incident_view(incident)


@transaction.atomic
def clear_incident(*, kind: str, subject: str, reason: str, moment: Moment) -> bool:
    """The trouble went away by itself; whether there was an open incident."""
    incident = Incident.objects.select_for_update().filter(kind=kind, subject=subject, closed_at__isnull=True).first()
    if incident is None:
        return False
    _close(incident, SYSTEM, reason, moment)
    return True


def _close(incident: Incident, actor: str, reason: str, moment: Moment) -> None:
    incident.closed_at = moment.wall
    incident.closed_by = actor
    incident.close_reason = reason
    incident.save(update_fields=["closed_at", "closed_by", "close_reason"])
    tell_system_changed()
