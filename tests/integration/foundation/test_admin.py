from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.urls import reverse

from apps.foundation import audit, outbox
from apps.foundation.clock import Moment
from apps.foundation.models import AuditEntry, AuthSession, IdempotencyRecord, OutboxEvent, ProcessBeat

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def rows(admin_client):
    user = get_user_model().objects.get()
    with transaction.atomic():
        outbox.record_event(kind="order.changed", aggregate="order:1", payload={"order_id": "1"})
        outbox.first_delivery(consumer="books", event=OutboxEvent.objects.get())
        audit.append(chain="operations", action="halt", actor="a", subject="b", payload={}, moment=Moment(AT, AT))
    ProcessBeat.objects.create(name="core/x", process="core", host="h", pid=1, started_at=AT, beat_at=AT)
    AuthSession.objects.create(user=user, last_refresh_jti="secret-jti")
    IdempotencyRecord.objects.create(user=user, key="k", method="POST", path="/", body_digest="d", answer={"a": 1})
    return admin_client


MODELS = ["auditentry", "audithead", "outboxevent", "inboxentry", "processbeat", "authsession", "idempotencyrecord"]


@pytest.mark.parametrize("model", MODELS)
def test_every_table_can_be_read_and_not_written(rows, model):
    from django.apps import apps

    row = apps.get_model("foundation", model).objects.get()
    listed = rows.get(reverse(f"admin:foundation_{model}_changelist"))
    assert listed.status_code == 200
    shown = rows.get(reverse(f"admin:foundation_{model}_change", args=[row.pk]))
    assert shown.status_code == 200
    assert b"secret-jti" not in shown.content
    assert rows.post(reverse(f"admin:foundation_{model}_change", args=[row.pk]), {}).status_code == 403
    assert rows.post(reverse(f"admin:foundation_{model}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert rows.get(reverse(f"admin:foundation_{model}_add")).status_code == 403


def test_an_entry_shows_its_hash_as_text(rows):
    entry = AuditEntry.objects.get()
    shown = rows.get(reverse("admin:foundation_auditentry_change", args=[entry.pk]))
    assert bytes(entry.hash).hex() in shown.content.decode()
