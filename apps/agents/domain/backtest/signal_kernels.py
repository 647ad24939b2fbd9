"""Compiled loops over whole series. Only backtests load this module: it brings the compiler into the process.

No fast-math and one thread: the same numbers give the same bits on every run, and a busy machine slows a run without
stalling it.
"""

import hashlib
import inspect

import numpy as np
from numba import njit
from numpy.typing import NDArray

from apps.agents.domain.performance.equity_curve import Series, Times
from apps.agents.domain.strategies.sma_cross import crossing

Stances = NDArray[np.int8]
ENTRY, EXIT, UNITS, FEES, PROFIT, RETURNED, ADVERSE, FAVOURABLE = range(8)
NUMBERS = 8

# Compiled code is kept until this file changes, whatever else it was made of. So the rule that comes from another file
# is named here by its digest, and whoever changes the rule changes this line.
CROSSING = "ba115a0e69774597"
_found = hashlib.sha256(inspect.getsource(crossing).encode()).hexdigest()[:16]
if _found != CROSSING:
    raise ImportError(
        f"The rule sma_cross.crossing has changed: write its digest {_found} into signal_kernels.CROSSING."
    )
_crossing = njit(cache=True)(crossing)


@njit(cache=True)
def _added(high: float, low: float, value: float) -> tuple[float, float]:
    """A sum kept in two floats, with one more value in it (Knuth's two-sum)."""
    total = high + value
    part = total - high
    error = (high - (total - part)) + (value - part) + low
    exact = total + error
    return exact, error - (exact - total)


@njit(cache=True)
def rolling_means(values: Series, length: int) -> Series:
    """Mean of each window of ``length`` values, at its last place; NaN before the first whole one.

    The running sum is kept in two floats, which holds the sum of a window of prices exactly: it never drifts, and each
    mean has the bits of ``math.fsum(window) / length``.
    """
    means = np.full(len(values), np.nan)
    high, low = 0.0, 0.0
    for place in range(len(values)):
        high, low = _added(high, low, values[place])
        if place >= length:
            high, low = _added(high, low, -values[place - length])
        if place >= length - 1:
            means[place] = high / length
    return means


@njit(cache=True)
def crossing_stances(close: Series, fast: int, slow: int) -> Stances:
    """1, -1 or 0 at each bar from the averages of the closes up to it; 0 before the slow window is whole."""
    found = np.zeros(len(close), np.int8)
    quick, quick_low, steady, steady_low = 0.0, 0.0, 0.0, 0.0
    for place in range(len(close)):
        quick, quick_low = _added(quick, quick_low, close[place])
        steady, steady_low = _added(steady, steady_low, close[place])
        if place >= fast:
            quick, quick_low = _added(quick, quick_low, -close[place - fast])
        if place >= slow:
            steady, steady_low = _added(steady, steady_low, -close[place - slow])
        if place >= slow - 1:
            found[place] = _crossing(quick / fast, steady / slow)
    return found


@njit(cache=True)
def trade_stances(  # noqa: PLR0917 - compiled code takes scalars and arrays
    stances: Stances,
    opened: Series,
    high: Series,
    low: Series,
    close: Series,
    capital: float,
    fee: float,
    slippage: float,
) -> tuple[Series, NDArray[np.bool_], Times, Times, Series, float]:
    """All in on a 1, all out on a -1, as before on a 0, at the opening of the bar after.

    ``fee`` and ``slippage`` are shares. Answers (the capital and then equity at each close, held at each close, places
    of the entries, of the exits, trade numbers in columns, value traded); what is held at the end stays open.
    """
    bars = len(close)
    equity, held = np.empty(bars + 1), np.zeros(bars, np.bool_)
    equity[0] = capital
    most = bars // 2 + 1
    entries, exits, trades = np.empty(most, np.int64), np.empty(most, np.int64), np.empty((NUMBERS, most))
    count, cash, units, paid, price, bottom, top, traded = 0, capital, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for place in range(bars):
        wish = stances[place - 1] if place > 0 else 0
        if wish > 0 and units == 0.0:
            price = opened[place] * (1.0 + slippage)
            units = cash / (price * (1.0 + fee))
            paid, cash = cash, 0.0
            traded += units * price
            entries[count], bottom, top = place, price, price
        elif wish < 0 and units > 0.0:
            left = opened[place] * (1.0 - slippage)
            value = units * left
            cash = value * (1.0 - fee)
            traded += value
            exits[count] = place
            trades[ENTRY, count], trades[EXIT, count], trades[UNITS, count] = price, left, units
            trades[FEES, count] = (units * price + value) * fee
            trades[PROFIT, count], trades[RETURNED, count] = cash - paid, cash / paid - 1.0
            trades[ADVERSE, count] = 1.0 - min(bottom, left) / price
            trades[FAVOURABLE, count] = max(top, left) / price - 1.0
            units = 0.0
            count += 1
        if units > 0.0:
            bottom, top = min(bottom, low[place]), max(top, high[place])
            held[place] = True
            equity[place + 1] = units * close[place]
        else:
            equity[place + 1] = cash
    return equity, held, entries[:count], exits[:count], trades[:, :count], traded


@njit(cache=True)
def crossing_outcome(  # noqa: PLR0917
    fast: Series, slow: Series, opened: Series, close: Series, capital: float, fee: float, slippage: float
) -> tuple[float, int, float]:
    """(last equity, closed trades, largest drawdown) of the crossing of two averages: ``trade_stances`` without a
    trace.

    Flat stretches are only searched for the next crossing, and a position's worth moves with the close alone.
    """
    bars = len(close)
    cash, peak, floor, fall, trades, place = capital, capital, capital, 0.0, 0, 0
    while True:
        while place < bars and _crossing(fast[place], slow[place]) <= 0:
            place += 1
        place += 1
        if place >= bars:
            return cash, trades, max(fall, 1.0 - floor / peak)
        units = cash / (opened[place] * (1.0 + slippage) * (1.0 + fee))
        while place < bars:
            worth = units * close[place]
            if worth > peak:
                if floor < peak:
                    fall = max(fall, 1.0 - floor / peak)
                peak = floor = worth
            elif worth < floor:
                floor = worth
            place += 1
            if _crossing(fast[place - 1], slow[place - 1]) < 0:
                break
        if place >= bars:
            return worth, trades, max(fall, 1.0 - floor / peak)
        cash = units * (opened[place] * (1.0 - slippage)) * (1.0 - fee)
        trades += 1
        if cash > peak:
            fall = max(fall, 1.0 - floor / peak)
            peak = floor = cash
        elif cash < floor:
            floor = cash
