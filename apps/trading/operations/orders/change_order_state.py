"""The one way an existing order changes state: guarded, recorded, and a finished order gives its funds back."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.money import ZERO
from apps.trading.domain.orders.order_lifecycle import TERMINAL, OrderState, require_move
from apps.trading.models import Order
from apps.trading.operations.orders.lock_order import lock_order
from apps.trading.operations.orders.write_move import write_move


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
    write_move(order=order, changes=changes, frees=after in TERMINAL, moment=moment)
    for name, value in changes.items():
        setattr(order, name, value)
    return order
