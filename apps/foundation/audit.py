"""The audit record: append-only hash chains, written in the transaction they record.

The head row of a chain is locked until that transaction ends, so append last; a transaction that writes to more than
one chain passes all entries to one ``append_entries``, which takes the heads in one order.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import connection

from apps.foundation.audit_chain import RESTORED, AuditReport, ChainReport, verify
from apps.foundation.clock import Moment

OPERATIONS = "operations"
__all__ = [
    "OPERATIONS",
    "RESTORED",
    "AuditReport",
    "ChainReport",
    "NewEntry",
    "account_chain",
    "append",
    "append_entries",
    "verify",
]

APPEND = "hq_audit_append(%s, %s, %s, %s, %s, %s, %s, %s)"  # for a statement that does more; ``append_values``
_APPEND = """
SELECT hq_audit_append(e.chain, e.action, e.actor, e.subject, e.payload, %s, %s, %s)
FROM (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
      WITH ORDINALITY AS t(chain, action, actor, subject, payload, place) ORDER BY place) AS e
"""


@dataclass(frozen=True, slots=True)
class NewEntry:
    """One act to record. ``payload`` is JSON-ready (decimals as strings) and holds no secret."""

    chain: str
    action: str
    actor: str
    subject: str
    payload: dict[str, Any] = field(default_factory=dict)


def account_chain(portfolio_id: object) -> str:
    """The chain of one account."""
    return f"account:{portfolio_id}"


def append(
    *, chain: str, action: str, actor: str, subject: str, payload: dict[str, Any], moment: Moment, epoch: int = 0
) -> int:
    """Chain one act within the running transaction; its number in the chain. ``epoch``: of the lease it was done under;
    the entry carries the record's own epoch where that is higher.

    Raises ``RuntimeError`` outside a transaction.
    """
    return append_entries([NewEntry(chain, action, actor, subject, payload)], moment=moment, epoch=epoch)[0]


def append_entries(entries: Iterable[NewEntry], *, moment: Moment, epoch: int = 0) -> list[int]:
    """Chain several acts in one round trip, sorted by chain (stable); their numbers in that order."""
    if not connection.in_atomic_block:
        raise RuntimeError(
            "An audit entry is written inside the transaction it records; open one with transaction.atomic()."
        )
    rows = sorted(entries, key=lambda entry: entry.chain)
    if not rows:
        return []
    with connection.cursor() as cursor:
        if len(rows) == 1:  # a third faster
            cursor.execute(f"SELECT {APPEND}", append_values(rows[0], moment=moment, epoch=epoch))
        else:
            columns = list(map(list, zip(*map(_texts, rows), strict=True)))
            cursor.execute(_APPEND, [moment.wall, moment.firm, epoch, *columns])
        return [number for (number,) in cursor.fetchall()]


def append_values(entry: NewEntry, *, moment: Moment, epoch: int = 0) -> list[Any]:
    """What ``APPEND`` takes. It locks its chain, so it is the last of a statement that does more."""
    return [*_texts(entry), moment.wall, moment.firm, epoch]


def _texts(entry: NewEntry) -> tuple[str, ...]:
    return entry.chain, entry.action, entry.actor, entry.subject, canonical(entry.payload)


def canonical(payload: dict[str, Any]) -> str:
    """The one JSON text of ``payload``: keys sorted, no blanks. Raises ``TypeError`` for what is not JSON."""
    return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS).decode()
