"""Take the lock of every portfolio, in one order: a barrier behind everyone who is judging an order right now."""

from apps.trading.models import Portfolio


def lock_portfolios() -> list[Portfolio]:
    """All portfolios, locked until the transaction ends."""
    return list(Portfolio.objects.select_for_update().order_by("pk"))
