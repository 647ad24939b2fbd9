"""The rule strategies' votes at every bar of a series, compiled. Each is the strategy's own rule on every window.

A kernel answers (direction, confidence, abstain), each [bars]; bars before the first whole window abstain. Only
backtests load this module: it brings the compiler into the process.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from apps.agents.domain import indicators
from apps.agents.domain.backtest.compiled_rules import compiled_rules
from apps.agents.domain.strategies.breakout import breakout_confidence, open_breakout
from apps.agents.domain.strategies.contract import Series
from apps.agents.domain.strategies.mean_reversion import stretch_faded
from apps.agents.domain.strategies.momentum import trend_followed

Votes = tuple[Series, Series, NDArray[np.bool_]]

RULES = "09033561c34497d8"
(
    _exponential_level,
    _standard_deviation,
    _z_score,
    _relative_strength,
    _efficiency_ratio,
    _trend_followed,
    _stretch_faded,
    _breakout_confidence,
    _open_breakout,
) = compiled_rules(
    RULES,
    indicators.exponential_level,
    indicators.standard_deviation,
    indicators.z_score,
    indicators.relative_strength,
    indicators.efficiency_ratio,
    trend_followed,
    stretch_faded,
    breakout_confidence,
    open_breakout,
)


@njit(cache=True, nogil=True)
def momentum_votes(close: Series, returns: Series, fast: int, slow: int) -> Votes:
    """``returns``: the log return from each bar to the next."""
    needs, bars = 3 * slow, len(close)
    direction, confidence, abstain = np.zeros(bars), np.zeros(bars), np.ones(bars, np.bool_)
    for place in range(needs - 1, bars):
        volatility = _standard_deviation(returns[place - slow : place])
        if volatility == 0.0:
            continue
        window = close[place + 1 - needs : place + 1]
        quick, steady = _exponential_level(window, fast), _exponential_level(window, slow)
        straightness = _efficiency_ratio(close[place - slow : place + 1])
        direction[place], confidence[place] = _trend_followed(quick, steady, volatility, straightness, slow)
        abstain[place] = False
    return direction, confidence, abstain


@njit(cache=True, nogil=True)
def mean_reversion_votes(close: Series, window: int, rsi: int, entry: float) -> Votes:
    """``window`` bars of the mean, ``rsi`` bars of the relative strength, ``entry`` deviations from which it votes."""
    needs, bars = max(window, 5 * rsi), len(close)
    direction, confidence, abstain = np.zeros(bars), np.zeros(bars), np.ones(bars, np.bool_)
    for place in range(needs - 1, bars):
        distance = _z_score(close[place + 1 - window : place + 1])
        if abs(distance) < entry:
            continue
        strength = _relative_strength(close[place + 1 - needs : place + 1], rsi)
        direction[place], confidence[place] = _stretch_faded(distance, strength, entry)
        abstain[place] = False
    return direction, confidence, abstain


@njit(cache=True, nogil=True)
def breakout_votes(  # noqa: PLR0917 - compiled code takes scalars and arrays
    high: Series, low: Series, close: Series, entry: int, leave: int, horizon: int
) -> Votes:
    """``entry`` and ``leave``: bars of the two channels; ``horizon``: bars over which the confidence fades."""
    longest, bars = max(entry, leave), len(close)
    needs = 3 * longest
    direction, confidence, abstain = np.zeros(bars), np.zeros(bars), np.ones(bars, np.bool_)
    entry_high, entry_low = _highest_before(high, entry), -_highest_before(-low, entry)
    exit_high, exit_low = _highest_before(high, leave), -_highest_before(-low, leave)
    for place in range(needs - 1, bars):
        first, end = place + 1 - needs + longest, place + 1
        stance, age = _open_breakout(
            close[first:end], entry_high[first:end], entry_low[first:end], exit_high[first:end], exit_low[first:end]
        )
        direction[place], abstain[place] = float(stance), False
        confidence[place] = _breakout_confidence(stance, age, horizon)
    return direction, confidence, abstain


@njit(cache=True, nogil=True)
def _highest_before(values: Series, length: int) -> Series:
    """At each place the highest of the ``length`` values before it; NaN before there are so many.

    The queue holds the places that can still be the highest, their values falling.
    """
    highest, queue = np.full(len(values), np.nan), np.empty(len(values), np.int64)
    first, end = 0, 0
    for place in range(1, len(values)):
        while end > first and values[queue[end - 1]] <= values[place - 1]:
            end -= 1
        queue[end] = place - 1
        end += 1
        if queue[first] < place - length:
            first += 1
        if place >= length:
            highest[place] = values[queue[first]]
    return highest
