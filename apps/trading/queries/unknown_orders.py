"""Orders of which nobody knows yet whether the venue has them."""

from datetime import datetime

from django.db.models import Count, Min

from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.models import Order


def unknown_orders(wall: datetime) -> tuple[int, float]:
    """How many there are, and for how many seconds the oldest one has been unknown (0 without one)."""
    found = Order.objects.filter(state=OrderState.UNKNOWN).aggregate(count=Count("pk"), oldest=Min("state_wall"))
    oldest = found["oldest"]
    return found["count"], 0.0 if oldest is None else max(0.0, (wall - oldest).total_seconds())
