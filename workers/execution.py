"""Tasks of the execution queue: the fast wake-up of work that the sweep would find too."""

from uuid import UUID

from celery import shared_task

from apps.market import queries as market
from apps.trading import operations as trading
from apps.trading import queries as trading_queries
from apps.trading.wiring import venue_of


@shared_task(name="workers.execution.submit_order")
def submit_order(*, order_id: str) -> None:
    """Send one approved order."""
    account = trading_queries.account_of_order(UUID(order_id))
    trading.submit_order(order_id=UUID(order_id), venue=venue_of(account), moment=market.current_moment())


@shared_task(name="workers.execution.send_cancel")
def send_cancel(*, order_id: str) -> None:
    """Send one cancellation."""
    account = trading_queries.account_of_order(UUID(order_id))
    trading.send_cancel(order_id=UUID(order_id), venue=venue_of(account), moment=market.current_moment())
