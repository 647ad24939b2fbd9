"""How volatile the watched instruments are against what is usual for them. Pure."""

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

RECENT_BARS = 30
USUAL_BARS = 360
LEAST_BARS = 120  # of history before anything is said


def volatility_ratio(closes: Mapping[str, Mapping[Any, float]]) -> float | None:
    """The median over the instruments of the recent deviation of one bar's log return over its usual one.

    ``closes``: prices by time, in any unit, for each instrument. None where no instrument has enough history or any
    moved.
    """
    ratios = [
        ratio for prices in closes.values() if (ratio := _ratio([prices[at] for at in sorted(prices)])) is not None
    ]
    return statistics.median(ratios) if ratios else None


def _ratio(prices: Sequence[float]) -> float | None:
    returns = [math.log(after / before) for before, after in pairwise(prices)]
    if len(returns) < LEAST_BARS:
        return None
    usual = statistics.pstdev(returns[-USUAL_BARS:])
    return statistics.pstdev(returns[-RECENT_BARS:]) / usual if usual > 0.0 else None
