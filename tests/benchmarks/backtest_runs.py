"""Backtests beside plain loops: SMA 20/50 over half a million one-minute candles, a sweep of 200 pairs of windows.

The bare parts do the same work with nothing around it: a plain Python loop with running sums, and the same loop
compiled, once for each pair. Each cost is shown at three sizes, per candle: it is linear where that stays the same.
"""

import time
from dataclasses import replace
from functools import partial

import numpy as np
from numba import njit

from apps.agents.domain.backtest.signal_backtest import run_signal, sweep_crossings
from apps.agents.domain.performance.performance_report import performance_report
from apps.agents.domain.strategies.registry import build_strategy
from apps.market.domain.candle_columns import PRICES, CandleColumns
from tests.benchmarks.measure import Line, in_turns, p50
from tests.support.candle_columns import random_columns

CANDLES = 500_000
SIZES = (125_000, 250_000, CANDLES)
PAIRS = [(fast, slow) for fast in range(5, 55, 5) for slow in range(60, 260, 10)]
FEE, CAPITAL = 0.001, 1_000.0
timed = partial(in_turns, clock=time.process_time)  # on a busy machine the wall's time is that of others


def run() -> list[Line]:
    """Milliseconds beside the bare loops, and what a candle costs at three sizes."""
    columns = minutes()
    return [*_one(columns), *_sweep(columns)]


def minutes() -> CandleColumns:
    """Half a million one-minute candles."""
    return _in_cents(random_columns(CANDLES, seed=1))


def _complete(columns):
    performance = run_signal(build_strategy("sma_cross", {}), columns).performance
    performance_report(performance)
    return performance


def _one(columns) -> list[Line]:
    opened, close = columns.open.tolist(), columns.close.tolist()
    run = _complete(columns)
    last, trades, fall = plain_loop(opened, close, 20, 50)
    if (len(run.trades), round(run.curve.values[-1], 6)) != (trades, round(last, 6)):
        raise RuntimeError(f"{len(run.trades)} trades were made, the plain loop made {trades}.")
    if abs(run.curve.drawdowns.max() - fall) > 1e-9:
        raise RuntimeError("The drawdown is not the plain loop's.")
    ours, bare = timed(5, 1, lambda: _complete(columns), lambda: plain_loop(opened, close, 20, 50))
    per_candle = [min(timed(5, 1, lambda size=size: _complete(columns.rows(0, size)))[0]) / size for size in SIZES]
    return [
        Line(
            "SMA 20/50, 500,000 candles, trades, equity and all metrics, p50, ms of the processor",
            f"{p50(ours):.1f}",
            f"{p50(bare):.0f} (plain loop)",
            f"{p50(bare) / p50(ours):.1f}x faster",
            "> 5x (100x backtesting.py)",
        ),
        Line(f"the same, ns a candle at {_sizes(SIZES)}", _costs(per_candle, 1e6), "", _growth(per_candle), "linear"),
    ]


def _sweep(columns) -> list[Line]:
    found = sweep_crossings(columns, PAIRS)
    wanted = [bare_outcome(columns.open, columns.close, *pair) for pair in PAIRS]
    if found.trades.tolist() != [trades for _, trades, _ in wanted]:
        raise RuntimeError("The sweep made other trades than the bare loop.")
    ours, bare = timed(
        3,
        1,
        lambda: sweep_crossings(columns, PAIRS),
        lambda: [bare_outcome(columns.open, columns.close, *pair) for pair in PAIRS],
    )
    by_size = [
        min(timed(3, 1, lambda size=size: sweep_crossings(columns.rows(0, size), PAIRS))[0]) / size for size in SIZES
    ]
    counts = (50, 100, 200)
    by_count = [min(timed(3, 1, lambda n=n: sweep_crossings(columns, PAIRS[:n]))[0]) / n for n in counts]
    return [
        Line(
            "sweep of 200 pairs over 500,000 candles, with drawdown, p50, ms of the processor",
            f"{p50(ours):.0f}",
            f"{p50(bare):.0f} (compiled loop a pair)",
            f"{p50(bare) / p50(ours):.2f}x as fast",
            "> 0.5x",
        ),
        Line(f"the same, ns a candle at {_sizes(SIZES)}", _costs(by_size, 1e6), "", _growth(by_size), "linear"),
        Line(f"the same, ms a pair at {_sizes(counts)} pairs", _costs(by_count, 1), "", _growth(by_count), "linear"),
    ]


def _in_cents(columns: CandleColumns) -> CandleColumns:
    """Prices in whole cents, as an exchange tells them."""
    return replace(columns, **{name: np.round(getattr(columns, name), 2) for name in PRICES[:4]})


def plain_loop(opened, close, fast, slow):
    """(last equity, closed trades, largest drawdown) in plain Python with running sums."""
    cash, units, trades, peak, fall, quick, steady, wish, worth = CAPITAL, 0.0, 0, CAPITAL, 0.0, 0.0, 0.0, 0, CAPITAL
    equity = []
    for place, price in enumerate(close):
        if wish > 0 and not units:
            units, cash = cash / (opened[place] * (1.0 + FEE)), 0.0
        elif wish < 0 and units:
            cash, units, trades = units * opened[place] * (1.0 - FEE), 0.0, trades + 1
        worth = units * price if units else cash
        equity.append(worth)
        peak = max(peak, worth)
        fall = max(fall, 1.0 - worth / peak)
        quick += price - (close[place - fast] if place >= fast else 0.0)
        steady += price - (close[place - slow] if place >= slow else 0.0)
        if place + 1 >= slow:
            gap = quick / fast - steady / slow
            wish = (gap > 1e-9) - (gap < -1e-9)
    return worth, trades, fall


@njit
def bare_outcome(opened, close, fast, slow):
    """``plain_loop`` compiled, for one pair."""
    cash, units, trades, peak, fall, quick, steady, wish, worth = 1_000.0, 0.0, 0, 1_000.0, 0.0, 0.0, 0.0, 0, 1_000.0
    for place in range(len(close)):
        if wish > 0 and units == 0.0:
            units, cash = cash / (opened[place] * 1.001), 0.0
        elif wish < 0 and units > 0.0:
            cash, units, trades = units * opened[place] * 0.999, 0.0, trades + 1
        worth = units * close[place] if units > 0.0 else cash
        peak = max(peak, worth)
        fall = max(fall, 1.0 - worth / peak)
        quick += close[place] - (close[place - fast] if place >= fast else 0.0)
        steady += close[place] - (close[place - slow] if place >= slow else 0.0)
        if place + 1 >= slow:
            gap = quick / fast - steady / slow
            wish = 1 if gap > 1e-9 else -1 if gap < -1e-9 else 0
    return worth, trades, fall


def _sizes(sizes) -> str:
    return ", ".join(f"{size:,}" for size in sizes)


def _costs(costs, factor: float) -> str:
    return ", ".join(f"{cost * factor:.3g}" for cost in costs)


def _growth(costs) -> str:
    return f"{costs[-1] / costs[0]:.2f} from least to most"
