"""What the venue says about an order, written into ours. Safe to repeat, and never ahead of the fills it speaks of."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.foundation import after_commit
from apps.foundation.clock import Moment
from apps.foundation.errors import NotFound
from apps.trading.domain.orders.order_lifecycle import OrderState, may_move
from apps.trading.models import Order
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.orders.lock_order import lock_order
from apps.trading.operations.protection.cover_position import cover_after_end
from apps.trading.operations.risk.want_incident import want_incident
from apps.trading.ports import VenueReport

EXECUTOR = "executor"
SENDING = frozenset({OrderState.SUBMITTING, OrderState.UNKNOWN})
KEPT_WISH = "Cancellation was wanted before acceptance was proven."
WORKING = frozenset({OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED, OrderState.PENDING_CANCEL})
_ENDS = {
    "CANCELED": OrderState.CANCELED,
    "EXPIRED": OrderState.EXPIRED,
    "REJECTED": OrderState.REJECTED,
}


def says_news(order: Order, report: VenueReport) -> bool:
    """Whether the report could change the order as it stands here: most of what streams tell is known already."""
    if order.state in SENDING:
        return True
    if order.state not in WORKING:
        return False
    wished = order.cancel_wanted and order.state != OrderState.PENDING_CANCEL
    return order.venue_order_id is None or report.state in _ENDS or wished


@transaction.atomic
def record_venue_report(*, order_id: UUID, report: VenueReport, moment: Moment) -> Decimal:
    """Prove the order accepted if it was being sent, and end it if the venue ended it; how much of it is filled here.

    An end is recorded only once every fill the venue counts is in the books; till then the next pass asks again.
    FILLED is never taken from a report: the fills themselves lead there.
    """
    order = lock_order(order_id)
    if order is None:
        raise NotFound(f"There is no order {order_id}.", code="unknown_order", field="id")
    if order.state in SENDING or (order.venue_order_id is None and order.state in WORKING):
        order = _accepted(order, report, moment)
    if report.state in _ENDS and order.state in WORKING and order.filled_quantity >= report.filled_quantity:
        _ended(order, report, moment)
    elif order.cancel_wanted and order.state in {OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED}:
        ask_to_cancel(order_id=order.pk, note=KEPT_WISH, moment=moment)
    return order.filled_quantity


def ask_to_cancel(*, order_id: UUID, note: str, moment: Moment) -> bool:
    """Turn a wish into PENDING_CANCEL and wake the executor; False when the order does not work at the venue."""
    moved = change_order_state(
        order_id=order_id,
        before={OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED},
        after=OrderState.PENDING_CANCEL,
        actor=EXECUTOR,
        note=note,
        moment=moment,
    )
    if moved is not None:
        after_commit.enqueue("workers.execution.send_cancel", queue="execution", expires=60, order_id=str(order_id))
    return moved is not None


def _accepted(order: Order, report: VenueReport, moment: Moment) -> Order:
    facts: dict[str, Any] = {"venue_order_id": report.venue_order_id, "accepted_firm": report.accepted_firm}
    moved = change_order_state(
        order_id=order.pk,
        before=SENDING,
        after=OrderState.ACCEPTED,
        actor=EXECUTOR,
        moment=moment,
        locked=order,
        **facts,
    )
    if moved is None:  # a fill came in before the answer did
        Order.objects.filter(pk=order.pk).update(**facts)
        return order
    return moved


def _ended(order: Order, report: VenueReport, moment: Moment) -> None:
    after = _ENDS[report.state]
    if after == OrderState.CANCELED and order.expires_firm is not None and order.expires_firm <= moment.firm:
        after = OrderState.EXPIRED
    if not may_move(order.state, after):
        after = OrderState.CANCELED  # a venue that rejects what it had begun to fill has cancelled the rest
    if after == OrderState.REJECTED:
        record_refusal(order=order, code="venue_rejected", detail=report.reason, moment=moment)
        return
    change_order_state(
        order_id=order.pk,
        before={OrderState(order.state)},
        after=after,
        actor=order.account_id,
        note=report.reason,
        moment=moment,
    )
    cover_after_end(order=order, moment=moment)


@transaction.atomic
def record_refusal(*, order: Order, code: str, detail: str, moment: Moment) -> None:
    """End an order that the venue proved not to have taken; a refused protective stop asks for an incident."""
    moved = change_order_state(
        order_id=order.pk,
        before={OrderState.SUBMITTING, OrderState.UNKNOWN, OrderState.ACCEPTED},
        after=OrderState.REJECTED,
        actor=order.account_id,
        note=detail,
        moment=moment,
        reject_code=code,
        reject_detail=detail,
    )
    if moved is not None and order.is_protective:
        want_incident(kind="protective_stop_refused", subject=f"position:{order.symbol}", detail=detail)
    cover_after_end(order=order, moment=moment)
