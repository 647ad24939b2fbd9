"""Whose money an open position was bought with."""

from uuid import UUID

from django.db.models import OuterRef, Subquery

from apps.trading.models import Fill, Position


def position_budget(*, portfolio_id: UUID, symbol: str) -> str | None:
    """The budget that paid for the buy which opened the position; None while nothing but dust is held.

    A position belongs to one budget (the gate sees to it), so the first trade since it was opened tells.
    """
    first = Fill.objects.filter(
        portfolio_id=OuterRef("portfolio_id"),
        symbol=OuterRef("symbol"),
        side="buy",
        traded_firm__gte=OuterRef("opened_firm"),
    ).order_by("traded_firm", "recorded_wall", "pk")
    held = Position.objects.filter(portfolio_id=portfolio_id, symbol=symbol, quantity__gt=0, closed_firm=None)
    return held.annotate(paid_by=Subquery(first.values("order__budget")[:1])).values_list("paid_by", flat=True).first()
