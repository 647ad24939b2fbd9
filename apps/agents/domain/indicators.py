"""Indicators: arrays in, arrays or one number out. Each value depends on its own and earlier elements only.

Those that take a plain sequence add up in its order and call nothing of ours: backtests compile them, and a compiled
one gives the bits of the plain one. Give them lists, on which Python is several times faster than on numpy's scalars.
"""

import math
from collections.abc import Sequence

import numpy as np

from apps.agents.domain.strategies.contract import Series

VOLATILITY_BARS = 96  # that the volatility behind an expected edge is taken over


def exponential_level(values: Sequence[float], span: int) -> float:
    """The exponential moving average at the last value, with alpha = 2 / (span + 1), started at the first one."""
    alpha = 2.0 / (span + 1.0)
    level = values[0]
    for value in values:
        level += alpha * (value - level)
    return level


def log_returns(close: Series) -> Series:
    """Logarithmic returns from bar to bar, one fewer than prices."""
    return np.diff(np.log(close))


def bar_volatility(close: Series, bars: int) -> float:
    """Standard deviation of one bar's log return over the last ``bars`` returns (a share, not percent)."""
    recent = log_returns(close[-(bars + 1) :]).tolist()
    return standard_deviation(recent) if len(recent) > 1 else 0.0


def standard_deviation(values: Sequence[float]) -> float:
    """Of all ``values``, the root of their mean squared distance from the mean."""
    total = 0.0
    for value in values:
        total += value
    mean, squares = total / len(values), 0.0
    for value in values:
        squares += (value - mean) * (value - mean)
    return math.sqrt(squares / len(values))


def z_score(recent: Sequence[float]) -> float:
    """How many standard deviations the last close lies from the mean of all of ``recent``; 0 when they are all
    equal.
    """
    total = 0.0
    for value in recent:
        total += value
    mean, squares = total / len(recent), 0.0
    for value in recent:
        squares += (value - mean) * (value - mean)
    deviation, last = math.sqrt(squares / len(recent)), recent[-1]
    if deviation <= 1e-12 * abs(last):
        return 0.0
    return (last - mean) / deviation


def relative_strength(close: Sequence[float], bars: int) -> float:
    """Wilder's RSI in [0, 100] after smoothing over ``bars``; 50 when nothing moved. Source: Wilder, New Concepts
    (1978).
    """
    gain, loss = 0.0, 0.0
    for place in range(1, len(close)):
        change = close[place] - close[place - 1]
        weight = 1.0 / min(place, bars)
        gain += weight * (max(0.0, change) - gain)
        loss += weight * (max(0.0, -change) - loss)
    return 50.0 if gain + loss == 0.0 else 100.0 * gain / (gain + loss)


def highest_before(high: Series, bars: int) -> Series:
    """For each bar from index ``bars`` on: the highest high of the ``bars`` bars before it (itself excluded)."""
    windows = np.lib.stride_tricks.sliding_window_view(high[:-1], bars)
    return windows.max(axis=1)


def lowest_before(low: Series, bars: int) -> Series:
    """For each bar from index ``bars`` on: the lowest low of the ``bars`` bars before it (itself excluded)."""
    windows = np.lib.stride_tricks.sliding_window_view(low[:-1], bars)
    return windows.min(axis=1)


def efficiency_ratio(recent: Sequence[float]) -> float:
    """Net move over path length from the first to the last close, in [0, 1]: 1 is a straight line. Source: Kaufman
    (1995).
    """
    path = 0.0
    for place in range(1, len(recent)):
        path += abs(recent[place] - recent[place - 1])
    return 0.0 if path == 0.0 else abs(recent[-1] - recent[0]) / path
