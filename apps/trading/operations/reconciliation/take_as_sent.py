"""An order that waits to be sent in our books, and that the venue has: a lost record sent it. It is not sent again.

So it is after a restore from a backup that is older than the sending, and after any other loss of committed writes.
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.foundation.clock import Moment
from apps.trading.domain.orders.order_lifecycle import UNSENT, OrderState
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.reconciliation.record_break import RECONCILER


def take_as_sent(*, order_id: UUID, quantity: Decimal | None, evidence: str, moment: Moment) -> bool:
    """Make it UNKNOWN, from where it gets what the venue proves; False when it is not unsent (any more).

    ``quantity``: how much the venue says was asked of it; None where it does not say.
    """
    fields: dict[str, Any] = {"submitted_wall": moment.wall} | ({} if quantity is None else {"quantity": quantity})
    moved = change_order_state(
        order_id=order_id,
        before=UNSENT,
        after=OrderState.UNKNOWN,
        actor=RECONCILER,
        note=f"It was sent by a record that is lost: {evidence}",
        moment=moment,
        **fields,
    )
    return moved is not None
