"""Where a new position's protective stop goes. Pure."""

from collections.abc import Sequence
from decimal import Decimal

from apps.foundation.money import floor_to


def average_true_range(highs: Sequence[float], lows: Sequence[float], closes: Sequence[float]) -> float | None:
    """Mean true range of the bars after the first (Wilder 1978, unsmoothed); None for fewer than two bars."""
    if len(closes) < 2:  # noqa: PLR2004 - a true range needs the close before
        return None
    ranges = [
        max(highs[i] - lows[i], abs(highs[i] - closes[i - 1]), abs(lows[i] - closes[i - 1]))
        for i in range(1, len(closes))
    ]
    return sum(ranges) / len(ranges)


def stop_distance(
    *, average_range: float | None, price: float, multiple: float, nearest: float, farthest: float
) -> float:
    """Distance of the stop as a share of the price: ``multiple`` average true ranges within the bounds.

    Without a range (too little history) the farthest distance is taken: the stop exists from the first fill on.
    """
    if average_range is None or price <= 0:
        return farthest
    return min(max(multiple * average_range / price, nearest), farthest)


def protective_stop(*, entry: Decimal, distance: float, tick: Decimal) -> Decimal:
    """The stop below ``entry``, on the tick grid, at least one tick above zero."""
    return max(floor_to(entry * (1 - Decimal(str(round(distance, 8)))), tick), tick)
