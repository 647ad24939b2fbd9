"""Where a new position's protective stop goes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from apps.foundation.money import floor_to
from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.risk.risk_limits import LimitValues

AVERAGE_BARS = 30  # of the base timeframe: what the average true range is taken over


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


@dataclass(frozen=True, slots=True)
class StopRule:
    """Where the stop of a position goes. ``average_range`` in the quote currency, of the instrument's last bars."""

    average_range: float | None
    limits: LimitValues
    rules: InstrumentRules

    def after_buy(self, *, entry: Decimal, standing: Decimal | None) -> Decimal:
        """Where the stop goes after a buy at ``entry``: never below the one that stands."""
        distance = stop_distance(
            average_range=self.average_range,
            price=float(entry),
            multiple=float(self.limits.stop_volatility_multiple),
            nearest=float(self.limits.min_stop_distance),
            farthest=float(self.limits.max_stop_distance),
        )
        wanted = protective_stop(entry=entry, distance=distance, tick=self.rules.tick_size)
        return wanted if standing is None else max(wanted, standing)
