"""Cancel orders: at once where nobody outside holds them, else as a wish that the executor carries to the venue."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.foundation import after_commit, audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, NotFound
from apps.trading.domain.order_lifecycle import OPEN, TERMINAL, OrderState
from apps.trading.models import Order
from apps.trading.operations.announce_changes import announce_order
from apps.trading.operations.change_order_state import change_order_state
from apps.trading.operations.lock_order import lock_order
from apps.trading.queries.order_views import order_view

_OURS = frozenset({OrderState.APPROVED, OrderState.ARMED})
_AT_WORK = frozenset({OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED})
_IN_FLIGHT = frozenset({OrderState.SUBMITTING, OrderState.UNKNOWN})


def cancel_order(*, order_id: UUID, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """The order's view: CANCELED, or PENDING_CANCEL, or with ``cancel_wanted`` while its sending is unresolved.

    Raises ``NotFound``, and ``Conflict`` for a finished order or a protective stop, which the stop guard owns.
    """
    order = Order.objects.filter(pk=order_id).first()
    if order is None:
        raise NotFound(f"There is no order {order_id}.", code="unknown_order", field="id")
    if order.is_protective:
        raise Conflict(
            "This stop protects a position and belongs to the stop guard. Close the position instead.",
            code="protective_stop",
        )
    if not ask_to_stop(order_id=order_id, actor=actor, reason=reason, moment=moment):
        order.refresh_from_db()
        raise Conflict(f"The order is finished already: {order.state}.", code="order_finished", state=order.state)
    return order_view(order_id)


def cancel_open_orders(
    *,
    actor: str,
    reason: str,
    moment: Moment,
    symbol: str | None = None,
    side: str = "",
    account: str | None = None,
) -> list[str]:
    """Cancel all unfinished orders (of an instrument, a side, an account); the ids asked to stop.

    Protective stops are left alone: they belong to the stop guard.
    """
    orders = Order.objects.filter(state__in=OPEN, is_protective=False)
    if symbol is not None:
        orders = orders.filter(symbol=symbol)
    if account is not None:
        orders = orders.filter(account_id=account)
    if side:
        orders = orders.filter(side=side)
    ids = list(orders.order_by("pk").values_list("pk", flat=True))
    return [
        str(order_id) for order_id in ids if ask_to_stop(order_id=order_id, actor=actor, reason=reason, moment=moment)
    ]


@transaction.atomic
def ask_to_stop(*, order_id: UUID, actor: str, reason: str, moment: Moment) -> bool:
    """Cancel one order or record the wish; False when it is finished. Asking twice changes nothing."""
    order = lock_order(order_id)
    if order is None or order.state in TERMINAL:
        return False
    note = reason or "Cancelled."
    if order.state in _OURS:
        change_order_state(
            order_id=order_id, before=_OURS, after=OrderState.CANCELED, actor=actor, note=note, moment=moment
        )
    elif order.state in _AT_WORK:
        change_order_state(
            order_id=order_id, before=_AT_WORK, after=OrderState.PENDING_CANCEL, actor=actor, note=note, moment=moment
        )
        after_commit.enqueue("workers.execution.send_cancel", queue="execution", expires=60, order_id=str(order_id))
    elif order.state in _IN_FLIGHT and not order.cancel_wanted:
        _keep_wish(order, actor, note, moment)
    return True


def _keep_wish(order: Order, actor: str, note: str, moment: Moment) -> None:
    Order.objects.filter(pk=order.pk).update(cancel_wanted=True)
    announce_order(order_id=order.pk, portfolio_id=order.portfolio_id)
    audit.append(
        chain=audit.account_chain(order.portfolio_id),
        action="order.cancel_wanted",
        actor=actor,
        subject=f"order:{order.pk}",
        payload={"state": order.state, "note": note},
        moment=moment,
    )
