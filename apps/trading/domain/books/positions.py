"""A position after a fill: average cost, before fees. Long or flat. Pure Decimal arithmetic at the ledger's scale.

A position ends with the sale that leaves nothing, or so little that no order could sell it: where fees are taken in
units, hardly a sale leaves nothing. What is bought on top of such a rest begins anew, with its own result and stop.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from apps.foundation.money import ZERO
from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.books.decimal_math import over, times
from apps.trading.domain.books.dust import is_dust


@dataclass(frozen=True, slots=True)
class PositionState:
    """``cost`` is what the held units cost before fees; ``trip_result`` is net of fees since the position began.

    ``closed_firm``: when it ended; None from its next beginning on.
    """

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    trip_result: Decimal = ZERO
    opened_firm: datetime | None = None
    closed_firm: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has begun and not ended; an ended one may hold dust."""
        return self.opened_firm is not None and self.closed_firm is None

    @property
    def average_price(self) -> Decimal | None:
        """Cost of one unit before fees; None when flat."""
        return over(self.cost, self.quantity) if self.quantity else None


@dataclass(frozen=True, slots=True)
class FillEffect:
    """What one fill did. ``cost_removed``: cost of the units sold. ``realized``: before fees, zero for a buy.

    ``opens``: the position began with it. ``closed_result``: the position's result net of fees when the fill ended it,
    else None.
    """

    position: PositionState
    cost: Decimal
    cost_removed: Decimal
    realized: Decimal
    opens: bool
    closed_result: Decimal | None


class FillExceedsPositionError(AssertionError):
    """More was sold than is held: the books and the venue disagree."""


def after_fill(
    position: PositionState,
    *,
    side: str,
    quantity: Decimal,
    price: Decimal,
    fee: Decimal,
    at_firm: datetime,
    rules: InstrumentRules,
) -> FillEffect:
    """The position after buying or selling ``quantity`` at ``price``; ``fee`` in the quote currency.

    A sale takes its share of the average cost, the last one takes all that is left, so that no dust of cost stays.
    Raises ``FillExceedsPositionError`` when more is sold than held.
    """
    cost = times(quantity, price)
    if side == "buy":
        opens = not position.is_open or is_dust(quantity=position.quantity, price=position.average_price, rules=rules)
        return _bought(position, quantity, cost, fee, at_firm, opens=opens)
    left = position.quantity - quantity
    # The worth of what is left is not looked at: the next part of the same sale may be on its way.
    ends = position.is_open and (not left or is_dust(quantity=left, price=None, rules=rules))
    return _sold(position, quantity, cost, fee, at_firm, ends=ends)


def _bought(
    position: PositionState, quantity: Decimal, cost: Decimal, fee: Decimal, at_firm: datetime, *, opens: bool
) -> FillEffect:
    after = PositionState(
        quantity=position.quantity + quantity,
        cost=position.cost + cost,
        realized_pnl=position.realized_pnl,
        fees=position.fees + fee,
        trip_result=-fee if opens else position.trip_result - fee,
        opened_firm=at_firm if opens else position.opened_firm,
    )
    return FillEffect(after, cost, ZERO, ZERO, opens, None)


def _sold(
    position: PositionState, quantity: Decimal, proceeds: Decimal, fee: Decimal, at_firm: datetime, *, ends: bool
) -> FillEffect:
    if quantity > position.quantity:
        raise FillExceedsPositionError(f"Sold {quantity}, held {position.quantity}.")
    removed = (
        position.cost
        if quantity == position.quantity
        else min(position.cost, over(times(position.cost, quantity), position.quantity))
    )
    realized = proceeds - removed
    result = position.trip_result + realized - fee
    after = PositionState(
        quantity=position.quantity - quantity,
        cost=position.cost - removed,
        realized_pnl=position.realized_pnl + realized,
        fees=position.fees + fee,
        trip_result=result,
        opened_firm=position.opened_firm,
        closed_firm=at_firm if ends else position.closed_firm,
    )
    return FillEffect(after, proceeds, removed, realized, opens=False, closed_result=result if ends else None)


def after_fee_in_units(position: PositionState, *, units: Decimal, at_firm: datetime) -> tuple[PositionState, Decimal]:
    """The position after ``units`` of it paid the fee of another instrument's trade, and what those had cost.

    They are neither sold nor worth anything to the position any more: their cost becomes its fees. Raises
    ``FillExceedsPositionError`` when more is paid than held.
    """
    if units > position.quantity:
        raise FillExceedsPositionError(f"A fee took {units}, held {position.quantity}.")
    all_of_it = units == position.quantity
    removed = position.cost if all_of_it else min(position.cost, over(times(position.cost, units), position.quantity))
    after = replace(
        position,
        quantity=position.quantity - units,
        cost=position.cost - removed,
        fees=position.fees + removed,
        trip_result=position.trip_result - removed,
        closed_firm=at_firm if all_of_it and position.is_open else position.closed_firm,
    )
    return after, removed


def losses_in_row_after(losses: int, closed_result: Decimal) -> int:
    """How many positions in a row were closed at a loss, once another one was closed with this result."""
    return losses + 1 if closed_result < 0 else 0
