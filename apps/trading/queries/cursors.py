"""How far the execution side has come through the bars."""

from datetime import datetime

from django.db.models import Q

from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.models import Cursor, Order

# Orders in these states are not where they will be: on the way to the venue, on the way back, or nobody knows.
_ON_THE_WAY = (
    OrderState.PROPOSED,
    OrderState.APPROVED,
    OrderState.SUBMITTING,
    OrderState.UNKNOWN,
    OrderState.PENDING_CANCEL,
)


def cursor(name: str) -> datetime | None:
    """The close of the last bar that this loop went through; None before the first."""
    return Cursor.objects.filter(name=name).values_list("through", flat=True).first()


def is_through(name: str, bar_at: datetime) -> bool:
    """Whether this loop went through the bar that closed at ``bar_at``."""
    through = cursor(name)
    return through is not None and through >= bar_at


def orders_settled(bar_at: datetime) -> bool:
    """Whether every order proposed up to this bar has reached the venue or never will, and every cancel was answered.

    A fired exit of a group waits till the other one is proven dead: it belongs to the bar whose price it was hit at.
    """
    on_the_way = Order.objects.filter(proposed_firm__lte=bar_at)
    fired = Q(reserved_left__gt=0) | Q(group__isnull=False)
    waiting = Q(state__in=_ON_THE_WAY) | Q(state=OrderState.ARMED, triggered_firm__isnull=False) & fired
    return not on_the_way.filter(waiting).exists()
