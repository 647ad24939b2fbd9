"""End orders whose good-till date has passed on the firm clock."""

from django.db import transaction

from apps.foundation.clock import Moment
from apps.trading.domain.orders.order_lifecycle import OPEN, OrderState
from apps.trading.models import Order
from apps.trading.operations.execution.record_venue_report import ask_to_cancel
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.orders.settle_groups import settle_instrument

NOTE = "Its good-till date has passed."
HERE = frozenset({OrderState.APPROVED, OrderState.ARMED})


def expire_orders(*, moment: Moment) -> int:
    """Expire what the venue does not hold, ask the venue to cancel the rest; how many orders were touched.

    The canceled ones become EXPIRED once the venue has answered; one whose sending is unresolved keeps the wish.
    """
    return sum(_expire(order, moment) for order in _due(moment))


def _due(moment: Moment) -> list[Order]:
    due = Order.objects.filter(expires_firm__lte=moment.firm, state__in=OPEN, cancel_wanted=False)
    return list(due.exclude(state=OrderState.PENDING_CANCEL).order_by("pk"))


@transaction.atomic
def _expire(order: Order, moment: Moment) -> bool:
    ended = change_order_state(
        order_id=order.pk, before=HERE, after=OrderState.EXPIRED, actor="guard", note=NOTE, moment=moment
    )
    if ended is None:
        sending = Order.objects.filter(pk=order.pk, state__in=[OrderState.SUBMITTING, OrderState.UNKNOWN])
        return ask_to_cancel(order_id=order.pk, note=NOTE, moment=moment) or bool(sending.update(cancel_wanted=True))
    if order.group_id is not None:  # its units need the guard's stop from now on
        settle_instrument(portfolio_id=order.portfolio_id, symbol=order.symbol, moment=moment)
    return True
