"""End orders whose good-till date has passed on the firm clock."""

from apps.foundation.clock import Moment
from apps.trading.domain.order_lifecycle import OPEN, OrderState
from apps.trading.models import Order
from apps.trading.operations.change_order_state import change_order_state
from apps.trading.operations.record_venue_report import ask_to_cancel

NOTE = "Its good-till date has passed."
HERE = frozenset({OrderState.APPROVED, OrderState.ARMED})


def expire_orders(*, moment: Moment) -> int:
    """Expire what the venue does not hold, ask the venue to cancel the rest; how many orders were touched.

    The canceled ones become EXPIRED once the venue has answered; one whose sending is unresolved keeps the wish.
    """
    touched = 0
    due = Order.objects.filter(expires_firm__lte=moment.firm, state__in=OPEN, cancel_wanted=False).order_by("pk")
    for order in due.exclude(state=OrderState.PENDING_CANCEL):
        if order.state in HERE:
            ended = change_order_state(
                order_id=order.pk, before=HERE, after=OrderState.EXPIRED, actor="guard", note=NOTE, moment=moment
            )
            touched += ended is not None
        elif ask_to_cancel(order_id=order.pk, note=NOTE, moment=moment):
            touched += 1
        else:
            sending = {OrderState.SUBMITTING, OrderState.UNKNOWN}
            touched += Order.objects.filter(pk=order.pk, state__in=sending).update(cancel_wanted=True)
    return touched
