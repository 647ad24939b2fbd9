"""How far the execution side has come through the bars."""

from datetime import datetime

from apps.trading.domain.order_lifecycle import OrderState
from apps.trading.models import Cursor, Order

# Orders in these states have not reached the venue yet, or nobody knows whether they have.
_ON_THE_WAY = (OrderState.PROPOSED, OrderState.APPROVED, OrderState.SUBMITTING, OrderState.UNKNOWN)


def cursor(name: str) -> datetime | None:
    """The close of the last bar that this loop went through; None before the first."""
    return Cursor.objects.filter(name=name).values_list("through", flat=True).first()


def orders_settled(bar_at: datetime) -> bool:
    """Whether every order proposed up to this bar has reached the venue, or never will."""
    on_the_way = Order.objects.filter(proposed_firm__lte=bar_at)
    fired = on_the_way.filter(state=OrderState.ARMED, triggered_firm__isnull=False, reserved_left__gt=0)
    return not on_the_way.filter(state__in=_ON_THE_WAY).exists() and not fired.exists()
