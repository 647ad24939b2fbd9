"""The one way an existing order changes state: guarded, recorded, and a finished order gives its funds back."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.money import ZERO, plain
from apps.trading.domain.books.ledger_postings import release
from apps.trading.domain.orders.order_lifecycle import TERMINAL, OrderState, require_move
from apps.trading.models import Order
from apps.trading.operations.books.post_transfer import post_transfer
from apps.trading.operations.orders.announce_changes import announce_order
from apps.trading.operations.orders.lock_order import lock_order


@transaction.atomic(savepoint=False)
def change_order_state(
    *,
    order_id: UUID,
    before: Collection[OrderState],
    after: OrderState,
    actor: str,
    moment: Moment,
    note: str = "",
    locked: Order | None = None,
    **fields: Any,
) -> Order | None:
    """Move an order to ``after`` if it still is in one of ``before``; None, and nothing changed, when it is not.

    A terminal state releases what is left of the reservation in the same transaction: pass one only when the order is
    proven dead. ``fields`` are further columns to set. Takes its lock with ``lock_order``: a caller that locks rows
    before does the same, and may hand in the order that it has ``locked`` in this transaction.
    Raises ``IllegalTransitionError`` for a move the lifecycle doesn't know.
    """
    order = locked or lock_order(order_id)
    if order is None or order.state not in before:
        return None
    require_move(order.state, after)
    was = order.state
    changes: dict[str, Any] = {
        **fields,
        "state": after,
        "state_wall": moment.wall,
        "state_firm": moment.firm,
        "state_actor": actor,
        "state_note": note,
    }
    if after in TERMINAL:
        changes |= {"reserved_left": ZERO, "done_wall": moment.wall}
        post_transfer(
            portfolio_id=order.portfolio_id,
            cause_kind="release",
            cause_id=str(order.pk),
            postings=release(
                side=order.side, asset=order.reserved_asset, amount=order.reserved_left, budget=order.budget
            ),
            moment=moment,
            order_id=order.pk,
        )
    Order.objects.filter(pk=order.pk).update(**changes)
    for name, value in changes.items():
        setattr(order, name, value)
    announce_order(order_id=order.pk, portfolio_id=order.portfolio_id)
    audit.append(
        chain=audit.account_chain(order.portfolio_id),
        action="order.state_changed",
        actor=actor,
        subject=f"order:{order.pk}",
        payload={"from": was, "to": str(after), "note": note, "filled_quantity": plain(order.filled_quantity)},
        moment=moment,
        epoch=order.epoch,
    )
    return order
