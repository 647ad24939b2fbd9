"""The books come from a backup: say so in the record, before anybody works with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import transaction

from apps.foundation import audit
from apps.foundation.auth_sessions import end_sessions_of_user
from apps.foundation.clock import Moment
from apps.foundation.record_epoch import begin_epoch
from apps.foundation.time_text import utc_text
from apps.management.operations.keep_incidents import open_incident
from apps.trading import operations as trading

ACTOR = "restore"
KIND = "restored_from_backup"


@dataclass(frozen=True, slots=True)
class BackupHead:
    """The end of one audit chain as the backup has it."""

    chain: str
    seq: int
    hash: str


@transaction.atomic
def declare_restore(*, made_at: datetime, source: str, heads: Sequence[BackupHead], moment: Moment) -> int:
    """Begin a new epoch, halt trading until a person resumes it, end all sessions, name the gap in every audit chain.

    ``source``: the backup's file name. The new epoch. Sessions that were ended after the backup would live again.
    """
    epoch = begin_epoch(reason=f"Restored from {source}", moment=moment)
    made = utc_text(made_at) or ""
    detail = (
        f"The books were restored from the backup {source} of {made}. What happened after it is missing until each"
        " account has been compared with its venue."
    )
    facts = {"backup": source, "made_at": made, "epoch": epoch}
    ends = {audit.OPERATIONS: BackupHead(audit.OPERATIONS, 0, ""), **{head.chain: head for head in heads}}
    audit.append_entries([_gap(head, facts) for head in ends.values()], moment=moment)
    trading.latch_restored(detail=detail, facts=facts, moment=moment)
    open_incident(kind=KIND, subject=source, detail=detail, moment=moment)
    for user in get_user_model().objects.order_by("pk").values_list("pk", flat=True):
        end_sessions_of_user(user_id=user, actor=ACTOR, why="restored", moment=moment)
    return epoch


def _gap(head: BackupHead, facts: dict[str, object]) -> audit.NewEntry:
    said = f"Entries after {head.seq}, if any were written, are not in this record: it goes on from the backup's."
    payload = {**facts, "last_seq": head.seq, "last_hash": head.hash, "gap": said}
    return audit.NewEntry(head.chain, audit.RESTORED, ACTOR, head.chain, payload)
