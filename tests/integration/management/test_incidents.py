from datetime import timedelta

import pytest

from apps.foundation.audit import verify
from apps.foundation.clock import Moment, wall_now
from apps.foundation.errors import Conflict, NotFound, Refused
from apps.foundation.identifiers import new_id
from apps.foundation.models import AuditEntry
from apps.management import operations, queries
from apps.management.models import Incident
from apps.management.operations.keep_incidents import clear_incident

pytestmark = pytest.mark.django_db


def moment(seconds: float = 0) -> Moment:
    wall = wall_now() + timedelta(seconds=seconds)
    return Moment(wall=wall, firm=wall)


def opened(detail: str = "First.", seconds: float = 0):
    return operations.open_incident(kind="late_fill", subject="order:1", detail=detail, moment=moment(seconds))


def test_the_same_trouble_is_one_incident_that_counts():
    first = opened()
    again = opened("Second.", 60)
    assert again["id"] == first["id"]
    assert (again["occurrences"], again["detail"]) == (2, "Second.")
    assert again["last_seen_at"] > first["last_seen_at"]
    assert [one["id"] for one in queries.incident_views()] == [first["id"]]


def test_another_subject_is_another_incident():
    opened()
    operations.open_incident(kind="late_fill", subject="order:2", detail="Other.", moment=moment())
    assert Incident.objects.count() == 2


def test_a_person_closes_it_with_a_reason_and_it_can_open_again():
    first = opened()
    closed = operations.close_incident(
        incident_id=first["id"], actor="ann", reason="Checked with the venue.", moment=moment()
    )
    assert (closed["open"], closed["closed_by"], closed["close_reason"]) == (False, "ann", "Checked with the venue.")
    assert AuditEntry.objects.filter(action="incident.closed", actor="ann").count() == 1
    assert verify().ok
    assert opened()["id"] != first["id"]


def test_closing_needs_a_reason_and_an_open_incident():
    first = opened()
    with pytest.raises(Refused) as refused:
        operations.close_incident(incident_id=first["id"], actor="ann", reason="  ", moment=moment())
    assert refused.value.code == "reason_required"
    assert Incident.objects.get().closed_at is None
    operations.close_incident(incident_id=first["id"], actor="ann", reason="Done.", moment=moment())
    with pytest.raises(Conflict):
        operations.close_incident(incident_id=first["id"], actor="bob", reason="Done.", moment=moment())
    with pytest.raises(NotFound):
        operations.close_incident(incident_id=new_id(), actor="bob", reason="Done.", moment=moment())


def test_trouble_that_went_away_closes_by_itself():
    opened()
    assert clear_incident(kind="late_fill", subject="order:1", reason="It passed.", moment=moment())
    assert not clear_incident(kind="late_fill", subject="order:1", reason="It passed.", moment=moment())
    assert Incident.objects.get().closed_by == "system"
