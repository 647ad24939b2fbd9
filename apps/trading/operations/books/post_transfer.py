"""The only door to the ledger: one balanced transfer, one round trip, at most once per cause."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from apps.foundation.clock import Moment
from apps.foundation.identifiers import beside, derived_id
from apps.trading.domain.books.ledger_postings import Posting

# One after another in the order given: a later one may spend what an earlier one brought.
_POST_ALL = """
SELECT hq_ledger_transfer(
    t.id, t.portfolio_id, t.cause_kind, t.cause_id, t.order_id, %s, %s, t.budgets, t.assets, t.kinds, t.amounts)
FROM (
    SELECT r.* FROM ROWS FROM (jsonb_to_recordset(%s::jsonb) AS (
        id uuid, portfolio_id uuid, cause_kind text, cause_id text, order_id uuid,
        budgets text[], assets text[], kinds text[], amounts numeric[]))
    WITH ORDINALITY AS r ORDER BY r.ordinality
) AS t
"""
# For a statement that does more; ``transfer_values``.
TRANSFER = "hq_ledger_transfer(%s, %s, %s, %s, %s, %s, %s, %s::text[], %s::text[], %s::text[], %s::numeric[])"


@dataclass(frozen=True, slots=True)
class Transfer:
    """One balanced transfer to post."""

    portfolio_id: UUID
    cause_kind: str
    cause_id: str
    postings: Sequence[Posting]
    order_id: UUID | None = None


def transfer_id(*, cause_kind: str, cause_id: str, order_id: UUID | None = None) -> UUID:
    """The identifier that a transfer of this cause always has; an order's transfers lie beside it."""
    found = derived_id("transfer", cause_kind, cause_id)
    return found if order_id is None else beside(order_id, found)


def post_transfer(
    *,
    portfolio_id: UUID,
    cause_kind: str,
    cause_id: str,
    postings: Sequence[Posting],
    moment: Moment,
    order_id: UUID | None = None,
) -> bool:
    """Write a transfer and move the balances inside the running transaction; False when this cause was posted before.

    An empty list of postings writes nothing and answers False. The database refuses overspending at once and an
    unbalanced transfer at commit (``IntegrityError`` both: callers check first, so either is a broken invariant).
    """
    posted = post_transfers(
        [Transfer(portfolio_id, cause_kind, cause_id, postings, order_id)] if postings else [], moment=moment
    )
    return bool(posted)


def post_transfers(transfers: Sequence[Transfer], *, moment: Moment) -> int:
    """``post_transfer`` of several in one round trip, in their order; how many were new."""
    if not connection.in_atomic_block:
        raise RuntimeError("A transfer is posted inside the transaction that causes it.")
    rows = [_row(transfer) for transfer in transfers if transfer.postings]
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_POST_ALL, [moment.wall, moment.firm, orjson.dumps(rows).decode()])
        return sum(new for (new,) in cursor.fetchall())


def in_order(postings: Sequence[Posting]) -> list[Posting]:
    """The legs by what they name: every writer locks the rows of accounts in this order."""
    return sorted(postings, key=lambda leg: (leg.budget, leg.asset, leg.kind))


def transfer_values(transfer: Transfer, *, moment: Moment) -> list[Any]:
    """What ``TRANSFER`` takes; the transfer has postings."""
    cause = {"cause_kind": transfer.cause_kind, "cause_id": transfer.cause_id}
    legs = [(posting.budget, posting.asset, posting.kind, posting.amount) for posting in in_order(transfer.postings)]
    return [
        transfer_id(**cause, order_id=transfer.order_id),
        transfer.portfolio_id,
        *cause.values(),
        transfer.order_id,
        moment.wall,
        moment.firm,
        *map(list, zip(*legs, strict=True)),
    ]


def _row(transfer: Transfer) -> dict[str, Any]:
    postings = in_order(transfer.postings)
    return {
        "id": str(transfer_id(cause_kind=transfer.cause_kind, cause_id=transfer.cause_id, order_id=transfer.order_id)),
        "portfolio_id": str(transfer.portfolio_id),
        "cause_kind": transfer.cause_kind,
        "cause_id": transfer.cause_id,
        "order_id": None if transfer.order_id is None else str(transfer.order_id),
        "budgets": [posting.budget for posting in postings],
        "assets": [posting.asset for posting in postings],
        "kinds": [posting.kind for posting in postings],
        "amounts": [format(posting.amount, "f") for posting in postings],
    }
