"""Cancel orders: at once where nobody outside holds them, else as a wish that the executor carries to the venue."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.foundation import after_commit, audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, NotFound
from apps.trading.domain.orders.order_groups import STOP_LOSS, TAKE_PROFIT
from apps.trading.domain.orders.order_lifecycle import OPEN, TERMINAL, OrderState
from apps.trading.models import Order
from apps.trading.operations.orders.announce_changes import announce_order
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.orders.lock_order import lock_order
from apps.trading.operations.orders.settle_groups import UNRESOLVED, settle_instrument
from apps.trading.queries.order_views import order_view

_OURS = frozenset({OrderState.APPROVED, OrderState.ARMED})
_AT_WORK = frozenset({OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED})


def cancel_order(*, order_id: UUID, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """The order's view: CANCELED, or PENDING_CANCEL, or with ``cancel_wanted`` while its sending is unresolved.

    An exit of a group takes the other one with it; the entry leaves the exits of what it bought.

    Raises ``NotFound``, and ``Conflict`` for a finished order or a protective stop, which the stop guard owns.
    """
    order = Order.objects.filter(pk=order_id).first()
    if order is None:
        raise NotFound(f"There is no order {order_id}.", code="unknown_order", field="id")
    if order.is_protective and order.group_id is None:
        raise Conflict(
            "This stop protects a position and belongs to the stop guard. Close the position instead.",
            code="protective_stop",
        )
    if order.role in {STOP_LOSS, TAKE_PROFIT}:
        stopped = _stop_exits(order, actor, reason, moment)
    else:
        stopped = ask_to_stop(order_id=order_id, actor=actor, reason=reason, moment=moment)
    if not stopped:
        order.refresh_from_db()
        raise Conflict(f"The order is finished already: {order.state}.", code="order_finished", state=order.state)
    return order_view(order_id)


@transaction.atomic
def _stop_exits(order: Order, actor: str, reason: str, moment: Moment) -> bool:
    """Cancel an exit together with the other one of its group; the guard's own stop covers their units at once."""
    locked = lock_order(order.pk)
    if locked is None or locked.state in TERMINAL:
        return False
    exits = Order.objects.filter(group_id=order.group_id, role__in=[STOP_LOSS, TAKE_PROFIT], state__in=OPEN)
    for exit_id in list(exits.order_by("pk").values_list("pk", flat=True)):
        ask_to_stop(order_id=exit_id, actor=actor, reason=reason, moment=moment)
    settle_instrument(portfolio_id=order.portfolio_id, symbol=order.symbol, moment=moment)
    return True


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
    elif order.state in UNRESOLVED and not order.cancel_wanted:
        _keep_wish(order, actor, note, moment)
    waiting = Order.objects.filter(replaces_id=order_id, state=OrderState.PROPOSED, cancel_wanted=False).first()
    if waiting is not None:  # whoever cancels an order does not want the one that was to take its place
        _keep_wish(waiting, actor, note, moment)
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
