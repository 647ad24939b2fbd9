"""Where prices come from, bar by bar, and the path that a price takes inside a bar."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Protocol

from workers.exchange_simulator.engine.instruments import Instrument


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the base length: opening time in market milliseconds, volume in the base asset."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class PriceFeed(Protocol):
    """Bars of all instruments on one grid."""

    bar_ms: int
    first_ms: int
    last_ms: int | None  # opening time of the last bar; None: the feed has no end

    def instruments(self) -> list[Instrument]:
        """What is traded."""

    def bar(self, symbol: str, open_ms: int) -> Bar | None:
        """The bar that opens then; None where there is none."""


def knots(bar: Bar, bar_ms: int) -> tuple[tuple[int, Decimal], ...]:
    """Times and prices that the price passes inside a bar: open, the nearer extreme, the farther one, close.

    A rising bar is taken to dip first, a falling one to rise first: the usual assumption for bars without ticks.
    """
    first, second = (bar.low, bar.high) if bar.close >= bar.open else (bar.high, bar.low)
    start = bar.open_ms
    return (
        (start, bar.open),
        (start + bar_ms // 3, first),
        (start + 2 * bar_ms // 3, second),
        (start + bar_ms - 1, bar.close),
    )


def price_at(bar: Bar, bar_ms: int, at_ms: int, tick: Decimal) -> Decimal:
    """The price at one time inside the bar: straight lines between its knots, on the tick."""
    points = knots(bar, bar_ms)
    for (begin, low), (end, high) in pairwise(points):
        if at_ms <= end:
            share = Decimal(max(0, at_ms - begin)) / Decimal(max(1, end - begin))
            return round((low + (high - low) * share) / tick) * tick
    return bar.close
