"""Tasks of the execution queue: the fast wake-up of work that the sweep would find too."""

from uuid import UUID

from celery import shared_task

from apps.foundation import lease_memory
from apps.foundation.loops import each_of
from apps.market import queries as market
from apps.trading import operations as trading
from apps.trading import queries as trading_queries
from apps.trading.wiring import all_venues, venue_of
from workers.reconciliation import compare


@shared_task(name="workers.execution.submit_order")
def submit_order(*, order_id: str) -> None:
    """Send one approved order; the sweep finds it again should the lease be lost just now."""
    term = lease_memory.term()
    if term is None:
        return
    account = trading_queries.account_of_order(UUID(order_id))
    moment = market.current_moment()
    trading.submit_order(order_id=UUID(order_id), venue=venue_of(account), term=term, moment=moment)


@shared_task(name="workers.execution.send_cancel")
def send_cancel(*, order_id: str) -> None:
    """Send one cancellation; the sweep sends it again should the lease be lost just now."""
    term = lease_memory.term()
    if term is None:
        return
    account = trading_queries.account_of_order(UUID(order_id))
    moment = market.current_moment()
    trading.send_cancel(order_id=UUID(order_id), venue=venue_of(account), term=term, moment=moment)


@shared_task(name="workers.execution.reconcile_account")
def reconcile_account(*, account: str) -> None:
    """Compare one account with its venue, as somebody asked; the loop does where a comparison runs just now."""
    compare(venue_of(account))


@shared_task(name="workers.execution.reconcile_accounts")
def reconcile_accounts() -> None:
    """Compare every account with its venue, enabled or not; one that fails stops no other."""
    each_of(all_venues(), compare)
