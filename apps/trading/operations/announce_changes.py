"""What a change of the books tells others: outbox events for the screens, a hint for the execution loops."""

from uuid import UUID

from django.db import connection

from apps.foundation.outbox import NewEvent, record_events

ORDERS_CHANNEL = "hq_orders"


def order_event(order_id: UUID) -> NewEvent:
    return NewEvent("order.changed", f"order:{order_id}", {"order_id": str(order_id)})


def portfolio_event(portfolio_id: UUID) -> NewEvent:
    return NewEvent("portfolio.changed", f"portfolio:{portfolio_id}", {})


def system_event() -> NewEvent:
    return NewEvent("system.changed", "system", {})


def announce_order(*, order_id: UUID, portfolio_id: UUID) -> None:
    """Tell screens that an order and its portfolio changed, and the execution loops that work may wait."""
    record_events([order_event(order_id), portfolio_event(portfolio_id)])
    wake_execution()


def wake_execution() -> None:
    """A hint delivered at commit; the sweeps find the work without it too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [ORDERS_CHANNEL])
