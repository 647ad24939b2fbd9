"""Lock an order the only way that can't deadlock: its portfolio first, then the row."""

from uuid import UUID

from django.db import connection

from apps.trading.models import Order

_LOCK_PORTFOLIO = """
SELECT id FROM trading_portfolio WHERE id = (SELECT portfolio_id FROM trading_order WHERE id = %s) FOR UPDATE
"""


def lock_order(order_id: UUID) -> Order | None:
    """The order as last committed, locked with its portfolio until the transaction ends; None when there is none.

    Whoever changes orders, positions or books of a portfolio holds its row first. So the rows behind it, and the audit
    head that every step takes, are never waited for by two writers in different order.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_PORTFOLIO, [order_id])
    return Order.objects.select_for_update().filter(pk=order_id).first()
