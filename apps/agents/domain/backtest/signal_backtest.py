"""One strategy's signal alone on one instrument: all in or all out at the next opening, fee and slippage paid.

It shows what a signal is worth before the house's sizing, limits and stops touch it; the whole firm is
``firm_backtest``.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.backtest.strategy_views import Progress, stances_over, unheard
from apps.agents.domain.performance.equity_curve import EquityCurve, Series, Times
from apps.agents.domain.performance.performance_report import Performance
from apps.agents.domain.performance.trade_table import TradeTable
from apps.agents.domain.strategies.contract import Strategy
from apps.market.domain.candle_columns import CandleColumns
from apps.market.domain.instruments import STOCK_CURRENCY, split_symbol

CAPITAL = 1_000.0
SIGNAL = "signal"


@dataclass(frozen=True, slots=True)
class Costs:
    """``fee`` of each side and ``slippage`` of each price, as shares. Raises ``ValueError`` outside [0, 0.1]."""

    fee: float = 0.001
    slippage: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("fee", self.fee), ("slippage", self.slippage)):
            if not 0.0 <= value <= 0.1:  # noqa: PLR2004 - a tenth of each trade is more than any market takes
                raise ValueError(f"{name} was {value}; it is a share, such as 0.001 for 0.1 %, and at most 0.1.")


@dataclass(frozen=True)
class SignalRun:
    """``digest``: SHA-256 of all entries and exits; the same data and settings give the same one. ``open_units``:
    what is held at the end.
    """

    performance: Performance
    digest: str
    open_units: float


def run_signal(
    strategy: Strategy,
    columns: CandleColumns,
    *,
    costs: Costs = Costs(),
    capital: float = CAPITAL,
    first_ms: int = 0,
    progress: Progress = unheard,
) -> SignalRun:
    """Trade the strategy's stances over the bars that open at ``first_ms`` or later; those before are history.

    Raises ``ValueError`` for fewer than two bars to trade.
    """
    from apps.agents.domain.backtest import signal_kernels as kernels

    history = int(np.searchsorted(columns.times, first_ms))
    stances = stances_over(strategy, columns, fee_bps=costs.fee * 10_000.0, progress=progress)[history:]
    columns = columns.rows(history, len(columns))
    _check(columns, capital)
    series = (columns.open, columns.high, columns.low, columns.close)
    equity, held, entries, exits, numbers, traded = kernels.trade_stances(
        stances, *series, capital, costs.fee, costs.slippage
    )
    times, held_worth = np.empty(len(columns) + 1, np.int64), np.empty(len(columns) + 1)
    times[0], held_worth[0] = columns.times[0], capital
    np.add(columns.times, columns.length_ms, out=times[1:])
    curve = _curve(columns, times, equity)
    bought = capital / (columns.open[0] * (1.0 + costs.slippage) * (1.0 + costs.fee))
    np.multiply(columns.close, bought, out=held_worth[1:])
    holding = _curve(columns, times, held_worth)
    count = len(exits)
    trades = TradeTable(
        symbol=np.full(count, columns.symbol),
        strategy=np.full(count, strategy.name),
        reason=np.full(count, SIGNAL),
        opened=columns.times[entries[:count]],
        closed=columns.times[exits],
        quantity=numbers[kernels.UNITS],
        entry=numbers[kernels.ENTRY],
        exit=numbers[kernels.EXIT],
        fees=numbers[kernels.FEES],
        profit=numbers[kernels.PROFIT],
        returned=numbers[kernels.RETURNED],
        adverse=numbers[kernels.ADVERSE],
        favourable=numbers[kernels.FAVOURABLE],
        bars=exits - entries[:count],
    )
    performance = Performance(
        curve=curve,
        holding=holding,
        held_by_instrument={columns.symbol: holding.total_return},
        invested=held,
        traded=float(traded),
        trades=trades,
    )
    return SignalRun(performance, _digest(trades), float(equity[-1] / columns.close[-1]) if held[-1] else 0.0)


@dataclass(frozen=True)
class Sweep:
    """What each pair of windows came to, in the order they were given."""

    pairs: tuple[tuple[int, int], ...]
    total_return: Series
    trades: NDArray[np.int64]
    max_drawdown: Series


def sweep_crossings(
    columns: CandleColumns,
    pairs: list[tuple[int, int]],
    *,
    costs: Costs = Costs(),
    capital: float = CAPITAL,
) -> Sweep:
    """``run_signal`` of ``sma_cross`` for each (fast, slow), without its trace: return, closed trades and drawdown.

    Raises ``ValueError`` for a pair whose fast window is not the shorter one.
    """
    from apps.agents.domain.backtest import signal_kernels as kernels

    _check(columns, capital)
    wrong = [pair for pair in pairs if not 1 <= pair[0] < pair[1]]
    if wrong:
        raise ValueError(f"A pair is a fast window and a longer slow one, was {wrong[0]}.")
    windows, places = np.unique(np.array(pairs, np.int64), return_inverse=True)
    fast, slow = places.reshape(-1, 2).T
    found = kernels.crossing_outcomes(
        columns.open, columns.close, windows, fast.copy(), slow.copy(), capital, costs.fee, costs.slippage
    )
    return Sweep(tuple(pairs), found[0] / capital - 1.0, found[1].astype(np.int64), found[2])


def _check(columns: CandleColumns, capital: float) -> None:
    if len(columns) < 2:  # noqa: PLR2004 - a signal at one close trades at the next opening
        raise ValueError(f"A backtest needs at least 2 candles, {columns.symbol} has {len(columns)}.")
    if not capital > 0.0:
        raise ValueError(f"The starting capital was {capital}; it must be above zero.")


def _curve(columns: CandleColumns, times: Times, values: Series) -> EquityCurve:
    return EquityCurve(times, values, days_per_year=days_per_year(columns.symbol))


def days_per_year(symbol: str) -> float:
    """On how many days of a year the instrument's market trades: stocks on 252, coins on all."""
    return 252.0 if split_symbol(symbol)[1] == STOCK_CURRENCY else 365.0


def _digest(trades: TradeTable) -> str:
    """Of the trades' times, prices and units, bit for bit."""
    parts = (trades.opened, trades.closed, trades.entry, trades.exit, trades.quantity)
    return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()
