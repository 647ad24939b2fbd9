"""Closed trades as columns, and what they came to: all of them, and by any of their labels."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.performance.equity_curve import Series, Times

Labels = NDArray[np.str_]


@dataclass(frozen=True)
class TradeTable:
    """One row a round trip, in the order of closing. Times in milliseconds, money in the quote currency.

    ``profit`` is net of ``fees``; ``returned`` is it as a share of what the entry cost. ``adverse`` and ``favourable``
    are the farthest the price went against and for the position while it was held, as shares of the entry price (MAE
    and MFE; Sweeney, "Campaign Trading", 1996).
    """

    symbol: Labels
    strategy: Labels
    reason: Labels
    opened: Times
    closed: Times
    quantity: Series
    entry: Series
    exit: Series
    fees: Series
    profit: Series
    returned: Series
    adverse: Series
    favourable: Series
    bars: Times

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, column.name)) for column in fields(self)}
        if len(lengths) != 1:
            raise ValueError(f"The columns of a trade table differ in length: {sorted(lengths)}.")

    def __len__(self) -> int:
        return len(self.profit)

    def where(self, rows: NDArray[np.bool_]) -> "TradeTable":
        """Only these rows."""
        return TradeTable(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})

    @property
    def months(self) -> Labels:
        """The month of each closing, such as ``2024-03`` (UTC)."""
        return self.closed.astype("datetime64[ms]").astype("datetime64[M]").astype(np.str_)


def no_trades() -> TradeTable:
    """A table without rows."""
    kinds = {Labels: np.str_, Times: np.int64, Series: np.float64}
    return TradeTable(**{column.name: np.empty(0, kinds[column.type]) for column in fields(TradeTable)})  # type: ignore[index]


@dataclass(frozen=True, slots=True)
class TradeMetrics:
    """What a set of trades came to. None where there is nothing to divide by: no trades, or no losing one."""

    trades: int
    net_profit: float
    fees: float
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None
    expectancy_share: float | None
    average_win: float | None
    average_loss: float | None
    best: float | None
    worst: float | None
    average_adverse: float | None
    average_favourable: float | None
    average_bars: float | None

    def as_json(self) -> dict[str, float | int | None]:
        """The figures by name."""
        return asdict(self)


def trade_metrics(trades: TradeTable) -> TradeMetrics:
    """The figures of all rows.

    Win rate: share of trades with a profit above zero. Profit factor: gross profit over gross loss. Expectancy: mean
    profit of a trade, in money and as a share of its cost.
    """
    profit = trades.profit
    won, lost = profit[profit > 0.0], profit[profit < 0.0]
    losses = -float(np.sum(lost))
    return TradeMetrics(
        trades=len(trades),
        net_profit=float(np.sum(profit)),
        fees=float(np.sum(trades.fees)),
        win_rate=len(won) / len(trades) if len(trades) else None,
        profit_factor=float(np.sum(won)) / losses if losses > 0.0 else None,
        expectancy=_mean(profit),
        expectancy_share=_mean(trades.returned),
        average_win=_mean(won),
        average_loss=_mean(lost),
        best=float(np.max(profit)) if len(trades) else None,
        worst=float(np.min(profit)) if len(trades) else None,
        average_adverse=_mean(trades.adverse),
        average_favourable=_mean(trades.favourable),
        average_bars=_mean(trades.bars),
    )


LABELS: dict[str, Callable[[TradeTable], Labels]] = {
    "instrument": lambda trades: trades.symbol,
    "strategy": lambda trades: trades.strategy,
    "exit_reason": lambda trades: trades.reason,
    "month": lambda trades: trades.months,
}


def metrics_by(trades: TradeTable, label: str) -> dict[str, TradeMetrics]:
    """The figures of each group of rows that share a label, by its name. ``label``: one of ``LABELS``."""
    labels = LABELS[label](trades)
    names = sorted(set(labels.tolist()))
    if len(names) == 1:
        return {names[0]: trade_metrics(trades)}
    return {name: trade_metrics(trades.where(labels == name)) for name in names}


def _mean(values: Series | Times) -> float | None:
    return float(np.mean(values)) if len(values) else None
