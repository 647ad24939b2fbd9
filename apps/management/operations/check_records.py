"""Standing checks of the books and the audit, and forgetting what has served its time."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction

from apps.foundation import audit, auth_sessions, beats, idempotency, outbox
from apps.foundation.clock import Moment
from apps.management.domain.autoscaling import Action
from apps.management.models import Incident, ScalingDecision, Severity
from apps.management.operations.bridge.prune_post import prune_post
from apps.management.operations.keep_incidents import clear_incident, open_incident
from apps.trading import operations as trading

BOOKS = "books_do_not_balance"
AUDIT = "audit_broken"
KEEP_BEATS = timedelta(days=7)
KEEP_EVENTS = timedelta(days=3)
KEEP_ANSWERS = timedelta(days=2)
KEEP_SESSIONS = timedelta(days=31)
KEEP_INCIDENTS = timedelta(days=365)
KEEP_LOOKS = timedelta(days=7)  # of the autoscaler that changed nothing; those that did are kept
log = structlog.get_logger(__name__)


def check_books(*, moment: Moment) -> bool:
    """Whether every balance follows from its postings; if not, trading halts and an incident says which does not."""
    report = trading.verify_books()
    detail = "; ".join(map(str, report.problems))
    if not report.ok:
        trading.latch_failed_invariant(what=BOOKS, detail=detail, moment=moment)
    _judge(BOOKS, ok=report.ok, detail=detail, moment=moment)
    return report.ok


def check_audit(*, moment: Moment) -> bool:
    """Whether every chain is whole; if not, trading halts and an incident names the first bad row."""
    report = audit.verify()
    if not report.ok:
        trading.latch_failed_invariant(what=AUDIT, detail=report.first_bad or "", moment=moment)
    _judge(AUDIT, ok=report.ok, detail=report.first_bad or "", moment=moment)
    return report.ok


def _judge(kind: str, *, ok: bool, detail: str, moment: Moment) -> None:
    if ok:
        clear_incident(kind=kind, subject="all", reason="A later check passed.", moment=moment)
    else:
        open_incident(kind=kind, subject="all", detail=detail, severity=Severity.CRITICAL, moment=moment)


@transaction.atomic
def prune_records(*, moment: Moment) -> dict[str, int]:
    """Delete pulses, delivered events, replayed answers, sessions, closed incidents, looks of the autoscaler that
    changed nothing, messages of the bridge, and equity, each past its time.
    """
    wall = moment.wall
    old = Incident.objects.filter(closed_at__lt=wall - KEEP_INCIDENTS)
    looks = ScalingDecision.objects.filter(action=Action.NOTHING, at__lt=wall - KEEP_LOOKS)
    gone = {
        "beats": beats.forget(before=wall - KEEP_BEATS),
        "events": outbox.prune_outbox(before=wall - KEEP_EVENTS),
        "answers": idempotency.prune_answers(before=wall - KEEP_ANSWERS),
        "sessions": auth_sessions.prune_sessions(before=wall - KEEP_SESSIONS),
        "looks": looks.delete()[0],
        "bridge": prune_post(before=wall - timedelta(days=settings.HQ_BRIDGE_KEEP_DAYS)),
        "incidents": old.delete()[0],
        "equity": trading.prune_equity(moment=moment),
    }
    log.info("records_pruned", **gone)
    return gone
