"""A curve of many points as few that look the same in a plot."""

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.performance.equity_curve import EquityCurve, Series
from apps.foundation.time_text import utc_text
from apps.market.domain import timeframes


def thinned_curve(curve: EquityCurve, holding: EquityCurve, *, most: int) -> list[list[object]]:
    """At most ``most`` points ``[time, equity, buy and hold, drawdown]``, the first and last among them.

    Of each stretch the lowest and the highest equity are kept, so that no spike is lost. Both curves share their times.
    """
    places = kept_places(curve.values, most=most)
    drawdowns = curve.drawdowns
    return [
        [
            utc_text(timeframes.from_milliseconds(int(curve.times[place]))),
            float(curve.values[place]),
            float(holding.values[place]),
            float(drawdowns[place]),
        ]
        for place in places.tolist()
    ]


def kept_places(values: Series, *, most: int) -> NDArray[np.int64]:
    """The places that stand for a series: its ends, and the extremes of equal stretches between."""
    if len(values) <= most:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), (most - 2) // 2 + 1).astype(np.int64)
    found = {0, len(values) - 1}
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = values[first:end]
        found |= {first + int(part.argmin()), first + int(part.argmax())}
    return np.array(sorted(found), np.int64)
