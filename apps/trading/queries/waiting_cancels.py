"""Cancellations that were asked for: those that are not proven yet, and when the last one was."""

from datetime import datetime

from django.db.models import Q

from apps.trading.domain.orders.order_lifecycle import OPEN, TERMINAL, OrderState
from apps.trading.models import Order, OrderTransition


def cancels_waiting() -> int:
    """How many orders somebody wants canceled that may still be filled; the guard's stops are not among them."""
    wanted = Q(state=OrderState.PENDING_CANCEL) | Q(cancel_wanted=True, state__in=OPEN)
    return Order.objects.filter(wanted, is_protective=False).count()


def last_order_ended() -> datetime | None:
    """When the newest end of an order was recorded (wall clock), of those that are not the guard's."""
    ended = OrderTransition.objects.filter(to_state__in=TERMINAL, order__is_protective=False).order_by("-pk").first()
    return None if ended is None else ended.at_wall
