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
CASH, HELD, PEAK, FLOOR, FALL, WISH, TRADES = range(7)  # of a swept account
ACCOUNT = 7
BLOCK = 1_024  # bars

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
def _exchanged(high: float, low: float, value: float, gone: float) -> tuple[float, float]:
    """A sum kept in two floats, with one more value in it and another one gone (Knuth's two-sum, twice).

    Two floats hold the sum of a window of prices exactly: it never drifts, and the first one has the bits of
    ``math.fsum``. Only the change's own sum waits for the value before it, so that it runs beside that one.
    """
    change = value - gone
    part = change - value
    rest = (value - (change - part)) - (gone + part)
    total = high + change
    part = total - high
    error = (high - (total - part)) + (change - part) + (low + rest)
    exact = total + error
    return exact, error - (exact - total)


@njit(cache=True)
def crossing_stances(close: Series, fast: int, slow: int) -> Stances:
    """1, -1 or 0 at each bar from the averages of the closes up to it; 0 before the slow window is whole."""
    found = np.zeros(len(close), np.int8)
    quick, quick_low, steady, steady_low = 0.0, 0.0, 0.0, 0.0
    for place in range(len(close)):
        quick, quick_low = _exchanged(quick, quick_low, close[place], close[place - fast] if place >= fast else 0.0)
        steady, steady_low = _exchanged(steady, steady_low, close[place], close[place - slow] if place >= slow else 0.0)
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
def crossing_outcomes(  # noqa: PLR0917
    opened: Series,
    close: Series,
    windows: Times,
    fast: Times,
    slow: Times,
    capital: float,
    fee: float,
    slippage: float,
) -> Series:
    """Last equity, closed trades and largest drawdown of the crossing of each pair of averages, [3, pairs]:
    ``trade_stances`` without a trace. ``fast`` and ``slow``: the places of each pair's ``windows``.

    Block after block of bars, each average taken once for all pairs: what one block needs stays near the processor,
    whatever the number of bars.
    """
    bars, pairs = len(close), len(fast)
    sums, means = np.zeros((2, len(windows))), np.empty((len(windows), BLOCK))
    accounts, wishes = np.zeros((pairs, ACCOUNT)), np.empty(BLOCK + 1, np.int8)
    for pair in range(pairs):
        accounts[pair, CASH] = accounts[pair, PEAK] = accounts[pair, FLOOR] = capital
    for first in range(0, bars, BLOCK):
        end = min(first + BLOCK, bars)
        take_means(close, windows, first, end, sums, means)
        for pair in range(pairs):
            _cross(means[fast[pair], : end - first], means[slow[pair]], wishes, accounts[pair])
            _follow_wishes(wishes, opened[first:end], close[first:end], accounts[pair], fee, slippage)
    found = np.empty((3, pairs))
    for pair in range(pairs):
        account = accounts[pair]
        found[0, pair] = account[HELD] * close[-1] if account[HELD] > 0.0 else account[CASH]
        found[1, pair], found[2, pair] = account[TRADES], max(account[FALL], 1.0 - account[FLOOR] / account[PEAK])
    return found


@njit(cache=True)
def take_means(  # noqa: PLR0917
    values: Series, windows: Times, first: int, end: int, sums: Series, means: Series
) -> None:
    """The mean of each window of values at the places from ``first`` up to ``end``, into ``means`` [windows, places];
    NaN before the first whole one. ``sums``: of the windows up to ``first``, in two floats each, carried on.
    """
    high, low = sums[0], sums[1]
    for place in range(first, end):
        for number in range(len(windows)):
            length = windows[number]
            gone = values[place - length] if place >= length else 0.0
            high[number], low[number] = _exchanged(high[number], low[number], values[place], gone)
            means[number, place - first] = high[number] / length if place >= length - 1 else np.nan


@njit(cache=True)
def _cross(fast: Series, slow: Series, wishes: Stances, account: Series) -> None:
    """What is wished before each bar of a block: what the averages said at the close before it."""
    wishes[0] = account[WISH]
    for place in range(len(fast)):
        wishes[place + 1] = _crossing(fast[place], slow[place])
    account[WISH] = wishes[len(fast)]


@njit(cache=True)
def _follow_wishes(  # noqa: PLR0917
    wishes: Stances, opened: Series, close: Series, account: Series, fee: float, slippage: float
) -> None:
    """Trade one pair's account over a block of bars; ``wishes``: before each bar.

    Flat stretches are only searched for the next entry, and a position's worth moves with the close alone.
    """
    bars, place = len(close), 0
    cash, units, peak, floor, fall = account[CASH], account[HELD], account[PEAK], account[FLOOR], account[FALL]
    while place < bars:
        if units == 0.0:
            while place < bars and wishes[place] <= 0:
                place += 1
            if place == bars:
                break
            units = cash / (opened[place] * (1.0 + slippage) * (1.0 + fee))
        while place < bars and wishes[place] >= 0:
            worth = units * close[place]
            if worth > peak:
                if floor < peak:
                    fall = max(fall, 1.0 - floor / peak)
                peak = floor = worth
            elif worth < floor:
                floor = worth
            place += 1
        if place == bars:
            break
        cash, units = units * (opened[place] * (1.0 - slippage)) * (1.0 - fee), 0.0
        account[TRADES] += 1.0
        if cash > peak:
            fall = max(fall, 1.0 - floor / peak)
            peak = floor = cash
        elif cash < floor:
            floor = cash
    account[CASH], account[HELD], account[PEAK], account[FLOOR], account[FALL] = cash, units, peak, floor, fall
