"""Recomputes audit chains from their rows, apart from the SQL that wrote them, and names the first bad row."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from django.db import transaction

from apps.foundation.models import AuditEntry, AuditHead

CHUNK = 2_000
RESTORED = "record.restored"  # the act that declares: entries before this one may be missing, a backup ended there


class ChainRow(NamedTuple):
    """One stored entry, as read."""

    id: int
    chain: str
    seq: int
    action: str
    actor: str
    subject: str
    payload: str
    wall: datetime
    firm: datetime
    epoch: int
    previous_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class ChainReport:
    """One chain: how many entries were good, the head's hash, and the first bad row in words (None: sound).

    ``gaps_before``: the entries that declare a restore from a backup; what was written before them since it is lost.
    """

    chain: str
    rows: int
    head: str
    first_bad: str | None
    gaps_before: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditReport:
    """All chains that were asked for."""

    ok: bool
    rows: int
    chains: list[ChainReport]
    first_bad: str | None


def first_hash(chain: str) -> bytes:
    """What the first entry of a chain is chained to."""
    return sha256(f"tradinghq audit chain {chain}".encode()).digest()


def entry_hash(row: ChainRow, previous: bytes) -> bytes:
    """SHA-256 over the entry's fields, each as ``<bytes>:<text>,`` (a netstring), the previous hash first."""
    parts = (
        previous.hex(),
        str(row.seq),
        row.chain,
        row.action,
        row.actor,
        row.subject,
        row.payload,
        _time(row.wall),
        _time(row.firm),
        str(row.epoch),
    )
    encoded = (part.encode() for part in parts)
    return sha256(b"".join(b"%d:%b," % (len(part), part) for part in encoded)).digest()


def verify(chain: str | None = None) -> AuditReport:
    """Recompute one chain or all, in one snapshot of the database, without loading it into memory."""
    with transaction.atomic():
        _one_snapshot()
        heads = {head.chain: (head.seq, bytes(head.hash)) for head in AuditHead.objects.all()}
        stored = set(AuditEntry.objects.order_by().values_list("chain", flat=True).distinct())
        names = sorted(heads.keys() | stored) if chain is None else [chain]
        reports = [_verify_chain(name, heads.get(name)) for name in names]
    first_bad = next((report.first_bad for report in reports if report.first_bad), None)
    return AuditReport(first_bad is None, sum(report.rows for report in reports), reports, first_bad)


def _verify_chain(chain: str, head: tuple[int, bytes] | None) -> ChainReport:
    seq, previous = 0, first_hash(chain)
    gaps: list[int] = []
    for row in _rows(chain):
        problem = _problem(row, seq + 1, previous)
        if problem:
            bad = f"{chain} entry {row.seq} (row {row.id}): {problem}"
            return ChainReport(chain, seq, previous.hex(), bad, tuple(gaps))
        seq, previous = row.seq, row.hash
        if row.action == RESTORED:
            gaps.append(seq)
    return ChainReport(chain, seq, previous.hex(), _head_problem(chain, seq, previous, head), tuple(gaps))


def _problem(row: ChainRow, expected: int, previous: bytes) -> str | None:
    if row.seq > expected:
        return f"entry {expected} is missing before it"
    if row.seq < expected:
        return f"a second entry {row.seq}: the chain was forked"
    if row.previous_hash != previous:
        return "it does not follow the entry before it: that one was replaced, or the order was changed"
    if row.hash != entry_hash(row, previous):
        return "its content does not match its hash: it was edited"
    return None


def _head_problem(chain: str, seq: int, last: bytes, head: tuple[int, bytes] | None) -> str | None:
    if head is None:
        return f"{chain}: its head is missing" if seq else None
    if head[0] > seq:
        return f"{chain} entry {seq + 1}: missing; the head counts {head[0]} entries, {seq} are there: the tail was cut"
    if head != (seq, last):
        return f"{chain} entry {seq}: the head does not match the last entry"
    return None


def _rows(chain: str) -> Iterator[ChainRow]:
    entries = AuditEntry.objects.filter(chain=chain).order_by("seq", "id").values_list(*ChainRow._fields)
    for values in entries.iterator(chunk_size=CHUNK):
        row = ChainRow(*values)
        yield row._replace(previous_hash=bytes(row.previous_hash), hash=bytes(row.hash))


def _one_snapshot() -> None:
    from django.db import connection

    if len(connection.savepoint_ids) == 0:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
