"""What a decision may be worth before costs. An estimate with a stated formula, not a forecast with a hidden one.

edge = |score| x volatility of one bar x sqrt(horizon), in basis points: a price that diffuses moves by its one-bar
deviation times
the square root of time (Bachelier, 1900), and the score is taken as the share of that move which the agents expect
to catch.
"""

import math


def expected_edge_bps(*, score: float, bar_volatility: float, horizon_bars: int) -> float:
    """The expected gain of following ``score`` for ``horizon_bars`` bars, in basis points, never negative.

    ``bar_volatility`` is the standard deviation of one bar's log return as a share. Raises ``ValueError`` for
    values that can't be.
    """
    if not -1.0 <= score <= 1.0:
        raise ValueError(f"The score was {score}; it must lie between -1 and 1.")
    if not (math.isfinite(bar_volatility) and bar_volatility >= 0.0):
        raise ValueError(f"The volatility was {bar_volatility}; it must be a finite number of at least 0.")
    if horizon_bars < 1:
        raise ValueError(f"The horizon was {horizon_bars} bars; it must be at least 1.")
    return abs(score) * bar_volatility * math.sqrt(horizon_bars) * 10_000.0
