from apps.foundation.models.audit_entry import AuditEntry, AuditHead
from apps.foundation.models.auth_session import AuthSession
from apps.foundation.models.database_duty import DatabaseDuty
from apps.foundation.models.idempotency_record import IdempotencyRecord
from apps.foundation.models.inbox_entry import InboxEntry
from apps.foundation.models.lease import Lease
from apps.foundation.models.outbox_event import OutboxEvent
from apps.foundation.models.periodic_run import PeriodicRun
from apps.foundation.models.process_beat import ProcessBeat
from apps.foundation.models.record_epoch import RecordEpoch

__all__ = [
    "AuditEntry",
    "AuditHead",
    "AuthSession",
    "DatabaseDuty",
    "IdempotencyRecord",
    "InboxEntry",
    "Lease",
    "OutboxEvent",
    "PeriodicRun",
    "ProcessBeat",
    "RecordEpoch",
]
