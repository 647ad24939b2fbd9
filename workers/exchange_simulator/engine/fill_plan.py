"""Which levels of the book an order would take, planned before anything is moved."""

from dataclasses import dataclass
from decimal import Decimal

from workers.exchange_simulator.engine.depth import Depth
from workers.exchange_simulator.engine.orders import ZERO, Side


@dataclass(frozen=True, slots=True)
class PlannedFill:
    level: int
    price: Decimal
    quantity: Decimal


def taking(
    depth: Depth,
    side: Side,
    *,
    quantity: Decimal | None,
    quote_quantity: Decimal | None = None,
    limit: Decimal | None = None,
    share: Decimal | None = None,
) -> list[PlannedFill]:
    """The fills of an order that takes from the book now, best level first.

    Ends at ``limit``, at ``quantity`` (base) or ``quote_quantity``, or where the book ends. ``share`` lets only
    that part of the quantity through.
    """
    step = depth.instrument.step_size
    wanted = quantity
    if share is not None and wanted is not None:
        wanted = max(depth.instrument.on_step(wanted * share), step)
    budget = quote_quantity * share if quote_quantity is not None and share is not None else quote_quantity
    plan: list[PlannedFill] = []
    for number, price, left in depth.levels(side):
        if limit is not None and (price > limit if side is Side.BUY else price < limit):
            break
        amount = left if wanted is None else min(left, wanted)
        if budget is not None:
            amount = min(amount, depth.instrument.on_step(budget / price))
        if amount <= 0:
            break
        plan.append(PlannedFill(number, price, amount))
        if wanted is not None:
            wanted -= amount
            if wanted <= 0:
                break
        if budget is not None:
            budget -= amount * price
    return plan


def total(plan: list[PlannedFill]) -> Decimal:
    return sum((fill.quantity for fill in plan), ZERO)
