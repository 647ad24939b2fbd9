"""The only door to the ledger: one balanced transfer, one round trip, at most once per cause."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from apps.foundation.clock import Moment
from apps.foundation.identifiers import derived_id
from apps.trading.domain.ledger_postings import Posting


def transfer_id(*, cause_kind: str, cause_id: str) -> UUID:
    """The identifier that a transfer of this cause always has."""
    return derived_id("transfer", cause_kind, cause_id)


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
    if not connection.in_atomic_block:
        raise RuntimeError("A transfer is posted inside the transaction that causes it.")
    if not postings:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT hq_ledger_transfer(%s, %s, %s, %s, %s, %s, %s, %s::text[], %s::text[], %s::text[], %s::numeric[])",
            [
                transfer_id(cause_kind=cause_kind, cause_id=cause_id),
                portfolio_id,
                cause_kind,
                cause_id,
                order_id,
                moment.wall,
                moment.firm,
                [posting.budget for posting in postings],
                [posting.asset for posting in postings],
                [posting.kind for posting in postings],
                [posting.amount for posting in postings],
            ],
        )
        return bool(cursor.fetchone()[0])
