"""The audit record as the API and the screens show it."""

import json
from typing import Any

from django.db.models import QuerySet

from apps.foundation import audit
from apps.foundation.models import AuditEntry
from apps.foundation.time_text import utc_text


def audit_entries() -> QuerySet[AuditEntry]:
    """Every entry; the caller filters, orders and pages."""
    return AuditEntry.objects.all()


def audit_entry_view(row: AuditEntry) -> dict[str, Any]:
    """One act with its place in its chain."""
    return {
        "id": row.pk,
        "chain": row.chain,
        "seq": row.seq,
        "action": row.action,
        "actor": row.actor,
        "subject": row.subject,
        "payload": json.loads(row.payload),
        "at": utc_text(row.wall),
        "firm_at": utc_text(row.firm),
        "hash": bytes(row.hash).hex(),
        "previous_hash": bytes(row.previous_hash).hex(),
    }


def audit_report_view(report: audit.AuditReport) -> dict[str, Any]:
    """What a verification found."""
    return {
        "ok": report.ok,
        "rows": report.rows,
        "first_bad": report.first_bad,
        "chains": [
            {
                "chain": one.chain,
                "rows": one.rows,
                "head": one.head,
                "first_bad": one.first_bad,
                "gaps_before": list(one.gaps_before),
            }
            for one in report.chains
        ],
    }
