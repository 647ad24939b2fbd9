"""End the orders of a group that have no reason to live any more, in the transaction that took the reason away."""

from uuid import UUID

from django.db import transaction

from apps.foundation.clock import Moment
from apps.trading.domain.orders.order_groups import ends
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.models import Order, Portfolio, Position
from apps.trading.operations.execution.record_venue_report import ask_to_cancel
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.orders.read_groups import groups_of
from apps.trading.operations.protection.arm_sale import GUARD
from apps.trading.operations.protection.cover_position import cover_position

OURS = frozenset({OrderState.APPROVED, OrderState.ARMED})
# A wish to cancel is kept on these: a replacement that waits for the end of another, an order whose fate is open.
UNRESOLVED = frozenset({OrderState.PROPOSED, OrderState.SUBMITTING, OrderState.UNKNOWN})


def settle_groups(*, portfolio_id: UUID, symbol: str, moment: Moment) -> int:
    """Apply the rules of the groups of this instrument; how many orders were ended or asked to end.

    The rules look at the orders as they stand, so a repeat does nothing. The caller holds the portfolio's lock.
    """
    ended = 0
    for group in groups_of(portfolio_id=portfolio_id, symbol=symbol):
        for end in ends(group.facts):
            ended += end_order(order_id=end.order_id, note=end.note, moment=moment)
    return ended


def end_order(*, order_id: UUID, note: str, moment: Moment, actor: str = GUARD) -> bool:
    """Cancel an order of ours at once, ask the venue for one it works, keep the wish for one being sent.

    False where nothing was left to ask. The caller holds the portfolio's lock.
    """
    ended = change_order_state(
        order_id=order_id, before=OURS, after=OrderState.CANCELED, actor=actor, note=note, moment=moment
    )
    if ended is not None or ask_to_cancel(order_id=order_id, note=note, moment=moment):
        return True
    return bool(Order.objects.filter(pk=order_id, state__in=UNRESOLVED, cancel_wanted=False).update(cancel_wanted=True))


@transaction.atomic
def settle_instrument(*, portfolio_id: UUID, symbol: str, moment: Moment) -> bool:
    """Settle the groups of an instrument and cover its position anew; True when something changed."""
    Portfolio.objects.select_for_update().get(pk=portfolio_id)
    position = Position.objects.select_for_update().filter(portfolio_id=portfolio_id, symbol=symbol).first()
    changed = settle_groups(portfolio_id=portfolio_id, symbol=symbol, moment=moment) > 0
    return (position is not None and cover_position(position=position, moment=moment)) or changed
