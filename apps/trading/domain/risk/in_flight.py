"""What orders on their way may have cost already. Pure.

A market order that was approved at 100 and whose outcome nobody knows yet may have bought at 100 although the mark is
90 now: the loss of 10 a unit is real, only not in the books. The loss limits count it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from apps.foundation.money import ZERO
from apps.trading.domain.books.decimal_math import times


@dataclass(frozen=True, slots=True)
class InFlight:
    """What is left of an order that was sent, or may have been; its limit price, or the mark it was judged at."""

    symbol: str
    side: str
    left: Decimal
    price: Decimal | None


def in_flight_loss(orders: Iterable[InFlight], prices: Mapping[str, Decimal | None]) -> Decimal | None:
    """The loss at these marks if each order had traded at its price: never negative; None for want of a mark."""
    total = ZERO
    for order in orders:
        mark = prices.get(order.symbol)
        if mark is None:
            return None
        if order.price is not None:
            worse = order.price - mark if order.side == "buy" else mark - order.price
            total += times(order.left, max(ZERO, worse))
    return total
