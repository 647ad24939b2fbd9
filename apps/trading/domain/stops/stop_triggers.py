"""When a watched order counts as hit, and how a trailing stop follows the price. Pure.

A bar shows its open first, then a low and a high in an order nobody knows. What is certain counts, and of what is
uncertain the worse for the one who waits: a trailing stop is held against the low before the bar's high may lift it.
"""

from dataclasses import dataclass
from decimal import Decimal

from apps.foundation.money import ceil_to, floor_to
from apps.trading.domain.orders.order_types import STOP_TYPES

PERCENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the market showed: a bar, or a live price (all four the same)."""

    open: Decimal
    low: Decimal
    high: Decimal
    close: Decimal

    @classmethod
    def of_price(cls, price: Decimal) -> "Stretch":
        return cls(price, price, price, price)


@dataclass(frozen=True, slots=True)
class Trail:
    """How a trailing stop follows: ``percent`` of the best price or a fixed ``amount``; ``tick`` rounds the stop.

    ``extreme``: the best price seen, the highest for a sale, the lowest for a buy; None before the first look.
    """

    side: str
    percent: Decimal | None
    amount: Decimal | None
    tick: Decimal
    extreme: Decimal | None

    def stop_at(self, extreme: Decimal) -> Decimal:
        """The stop behind this best price, rounded away from it and at least one tick above zero."""
        distance = self.amount if self.amount is not None else extreme * (self.percent or Decimal(0)) * PERCENT
        if self.side == "sell":
            return max(floor_to(extreme - distance, self.tick), self.tick)
        return ceil_to(extreme + distance, self.tick)


@dataclass(frozen=True, slots=True)
class Trailed:
    """Where a trailing stop stands after a stretch, and whether it was hit on the way."""

    extreme: Decimal
    stop_price: Decimal
    hit: bool


def fires_below(*, side: str, type: str) -> bool:  # noqa: A002 - the order's own word
    """Whether the trigger lies below the price: a sell stop and a buy take-profit."""
    return (side == "sell") == (type in STOP_TYPES)


def is_hit(*, side: str, type: str, trigger: Decimal, seen: Stretch) -> bool:  # noqa: A002
    """Whether the market traded at the trigger or beyond it."""
    return seen.low <= trigger if fires_below(side=side, type=type) else seen.high >= trigger


def hit_at_open(*, side: str, type: str, trigger: Decimal, seen: Stretch) -> bool:  # noqa: A002
    """Whether the stretch opened beyond the trigger: then it was hit before anything inside the bar."""
    return seen.open <= trigger if fires_below(side=side, type=type) else seen.open >= trigger


def trail(rule: Trail, seen: Stretch) -> Trailed:
    """Follow the market through one stretch.

    The open comes first and may move the stop; then the bad extreme is held against the stop; then the good extreme
    moves it; and a close beyond the moved stop is a hit too, since the close comes after both.
    """
    better = max if rule.side == "sell" else min
    start = seen.open if rule.extreme is None else better(rule.extreme, seen.open)
    if rule.extreme is not None and _beyond(rule, seen.open, rule.stop_at(rule.extreme)):
        return Trailed(rule.extreme, rule.stop_at(rule.extreme), hit=True)
    if _beyond(rule, seen.low if rule.side == "sell" else seen.high, rule.stop_at(start)):
        return Trailed(start, rule.stop_at(start), hit=True)
    best = better(start, seen.high if rule.side == "sell" else seen.low)
    stop = rule.stop_at(best)
    return Trailed(best, stop, hit=_beyond(rule, seen.close, stop))


def _beyond(rule: Trail, price: Decimal, stop: Decimal) -> bool:
    return price <= stop if rule.side == "sell" else price >= stop
