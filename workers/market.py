"""Tasks of the market queue. Each may run twice and beside itself."""

from celery import shared_task

from apps.market import operations as market
from apps.market.queries import current_moment

WINDOW_BARS = 500  # what a strategy may look back on


@shared_task(name="workers.market.poll_quotes")
def poll_quotes() -> None:
    """Ask the live providers for quotes."""
    market.poll_quotes(moment=current_moment())


@shared_task(name="workers.market.close_candles")
def close_candles() -> None:
    """Store the live bars that have closed."""
    market.close_candles(moment=current_moment())


@shared_task(name="workers.market.check_providers")
def check_providers() -> None:
    """Judge the sources."""
    market.check_providers(moment=current_moment())


@shared_task(name="workers.market.plan_backfills")
def plan_backfills() -> None:
    """Plan what is missing of every window."""
    market.backfill_windows(moment=current_moment(), bars=WINDOW_BARS)


@shared_task(name="workers.market.backfill")
def backfill() -> None:
    """Fetch what is planned, page by page, until nothing waits."""
    while market.continue_backfill(moment=current_moment()):
        pass
