"""What a change of the books tells the screens: events of the outbox."""

from uuid import UUID

from apps.foundation.outbox import NewEvent, record_events


def order_event(order_id: UUID) -> NewEvent:
    return NewEvent("order.changed", f"order:{order_id}", {"order_id": str(order_id)})


def portfolio_event(portfolio_id: UUID) -> NewEvent:
    return NewEvent("portfolio.changed", f"portfolio:{portfolio_id}", {})


def system_event() -> NewEvent:
    return NewEvent("system.changed", "system", {})


def announce_order(*, order_id: UUID, portfolio_id: UUID) -> None:
    """Tell screens that an order and its portfolio changed."""
    record_events([order_event(order_id), portfolio_event(portfolio_id)])
