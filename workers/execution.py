"""Tasks of the execution queue: the fast wake-up of work that the sweep would find too."""

from uuid import UUID

from celery import shared_task

from apps.market import queries as market
from apps.trading import operations as trading
from apps.trading.wiring import venue


@shared_task(name="workers.execution.submit_order")
def submit_order(*, order_id: str) -> None:
    """Send one approved order."""
    trading.submit_order(order_id=UUID(order_id), venue=venue(), moment=market.current_moment())


@shared_task(name="workers.execution.send_cancel")
def send_cancel(*, order_id: str) -> None:
    """Send one cancellation."""
    trading.send_cancel(order_id=UUID(order_id), venue=venue(), moment=market.current_moment())
