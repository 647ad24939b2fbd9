"""Lock an order the only way that can't deadlock: its portfolio first, then the row."""

from uuid import UUID

from apps.trading.models import Order


def lock_order(order_id: UUID) -> Order | None:
    """The order as last committed, locked with its portfolio until the transaction ends; None when there is none.

    Whoever changes orders, positions or books of a portfolio holds its row first. So the rows behind it, and the audit
    head that every step takes, are never waited for by two writers in different order.
    """
    return next(iter(Order.objects.raw("SELECT * FROM hq_lock_order(%s)", [order_id])), None)
