"""The books as the API shows them: transfers with their postings, the equity curve."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from apps.foundation.money import plain
from apps.foundation.time_text import utc_text
from apps.trading.domain.books.decimal_math import over, times
from apps.trading.models import EquitySnapshot, Fill, LedgerTransfer, Order


def all_orders() -> QuerySet[Order]:
    """Every order, for lists."""
    return Order.objects.all()


def all_fills() -> QuerySet[Fill]:
    """Every trade, for lists."""
    return Fill.objects.all()


def all_transfers() -> QuerySet[LedgerTransfer]:
    """Every transfer with its postings, for lists."""
    return LedgerTransfer.objects.select_related("portfolio__account").prefetch_related("postings__account")


def all_snapshots() -> QuerySet[EquitySnapshot]:
    """The equity curves of all accounts, for lists."""
    return EquitySnapshot.objects.select_related("portfolio")


def transfer_views(transfers: Iterable[LedgerTransfer]) -> list[dict[str, Any]]:
    """Transfers with their postings."""
    return [
        {
            "id": str(transfer.pk),
            "account": transfer.portfolio.account.name,
            "cause": transfer.cause_kind,
            "cause_id": transfer.cause_id,
            "order_id": str(transfer.order_id) if transfer.order_id else None,
            "at": utc_text(transfer.at_wall),
            "firm_at": utc_text(transfer.at_firm),
            "postings": [
                {
                    "asset": posting.asset,
                    "kind": posting.account.kind,
                    "budget": posting.account.budget,
                    "amount": plain(posting.amount),
                }
                for posting in sorted(transfer.postings.all(), key=lambda posting: posting.pk)
            ],
        }
        for transfer in transfers
    ]


_POINT = (
    "equity",
    "cash",
    "reserved",
    "market_value",
    "realized_pnl",
    "unrealized_pnl",
    "fees_paid",
    "drawdown_pct",
)


def snapshot_views(snapshots: Iterable[EquitySnapshot]) -> list[dict[str, Any]]:
    """Points of the equity curve. ``adjusted_equity`` is in the scale of today's money, so that no transfer makes it
    jump: the last point's is its equity.
    """
    return [
        {
            "at": utc_text(point.at_firm),
            "recorded_at": utc_text(point.at_wall),
            **{name: plain(getattr(point, name)) for name in _POINT},
            "adjusted_equity": plain(_adjusted(point)),
            "return_pct": format((point.growth - 1) * 100, ".4f"),
            "stale": point.stale,
        }
        for point in snapshots
    ]


def _adjusted(point: EquitySnapshot) -> Decimal:
    """To eight places: the last of the eighteen are lost on the way to a factor and back."""
    book = point.portfolio
    return round(times(point.growth, over(book.growth_capital, book.growth)), 8)
