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

_APPEND_ONE = "SELECT hq_audit_append(%s, %s, %s, %s, %s, %s, %s, %s)"  # every order waits for it; a third faster
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
    values = [(row.chain, row.action, row.actor, row.subject, canonical(row.payload)) for row in rows]
    times: list[Any] = [moment.wall, moment.firm, epoch]
    with connection.cursor() as cursor:
        if len(values) == 1:
            cursor.execute(_APPEND_ONE, [*values[0], *times])
        else:
            cursor.execute(_APPEND, [*times, *map(list, zip(*values, strict=True))])
        return [number for (number,) in cursor.fetchall()]


def canonical(payload: dict[str, Any]) -> str:
    """The one JSON text of ``payload``: keys sorted, no blanks. Raises ``TypeError`` for what is not JSON."""
    return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS).decode()
