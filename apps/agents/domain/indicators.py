"""Indicators: arrays in, arrays or one number out. Each value depends on its own and earlier elements only."""

import math

import numpy as np

from apps.agents.domain.strategies.contract import Series

VOLATILITY_BARS = 96  # that the volatility behind an expected edge is taken over


def exponential_average(values: Series, span: int) -> Series:
    """Exponential moving average with alpha = 2 / (span + 1), started at the first value."""
    alpha = 2.0 / (span + 1.0)
    averages = np.empty(len(values))
    level = float(values[0])
    for index, value in enumerate(values.tolist()):
        level += alpha * (value - level)
        averages[index] = level
    return averages


def log_returns(close: Series) -> Series:
    """Logarithmic returns from bar to bar, one fewer than prices."""
    return np.diff(np.log(close))


def bar_volatility(close: Series, bars: int) -> float:
    """Standard deviation of one bar's log return over the last ``bars`` returns (a share, not percent)."""
    recent = log_returns(close[-(bars + 1) :])
    return float(np.std(recent)) if len(recent) > 1 else 0.0


def z_score(close: Series, bars: int) -> float:
    """How many standard deviations the last close lies from the mean of the last ``bars`` closes; 0 when they are all
    equal.
    """
    recent = close[-bars:]
    deviation = float(np.std(recent))
    if deviation <= 1e-12 * abs(float(recent[-1])):
        return 0.0
    return (float(recent[-1]) - float(np.mean(recent))) / deviation


def relative_strength(close: Series, bars: int) -> float:
    """Wilder's RSI in [0, 100] after smoothing over ``bars``; 50 when nothing moved. Source: Wilder, New Concepts
    (1978).
    """
    changes = np.diff(close)
    gain = loss = 0.0
    for index, change in enumerate(changes.tolist()):
        weight = 1.0 / min(index + 1, bars)
        gain += weight * (max(change, 0.0) - gain)
        loss += weight * (max(-change, 0.0) - loss)
    return 50.0 if gain + loss == 0.0 else 100.0 * gain / (gain + loss)


def highest_before(high: Series, bars: int) -> Series:
    """For each bar from index ``bars`` on: the highest high of the ``bars`` bars before it (itself excluded)."""
    windows = np.lib.stride_tricks.sliding_window_view(high[:-1], bars)
    return windows.max(axis=1)


def lowest_before(low: Series, bars: int) -> Series:
    """For each bar from index ``bars`` on: the lowest low of the ``bars`` bars before it (itself excluded)."""
    windows = np.lib.stride_tricks.sliding_window_view(low[:-1], bars)
    return windows.min(axis=1)


def efficiency_ratio(close: Series, bars: int) -> float:
    """Net move over path length of the last ``bars`` bars, in [0, 1]: 1 is a straight line. Source: Kaufman (1995)."""
    recent = close[-(bars + 1) :]
    path = float(np.sum(np.abs(np.diff(recent))))
    return 0.0 if path == 0.0 else abs(float(recent[-1] - recent[0])) / path


def squash(value: float) -> float:
    """Maps any real number smoothly into (-1, 1)."""
    return math.tanh(value)
