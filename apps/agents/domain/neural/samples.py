"""Candles of many instruments as samples to learn from: windows that hold no gap, and what came after each. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.neural.features import HISTORY, WINDOW, Rows, feature_rows
from apps.agents.domain.neural.labels import Labels, labels_of, moves_ahead
from apps.agents.domain.strategies.contract import Series
from apps.market.domain.candle_columns import CandleColumns


@dataclass(frozen=True, slots=True)
class SampleTable:
    """``rows`` of all instruments behind one another; a sample is the window of rows that ends with ``ends[i]``. Its
    bar closed at ``closed_at[i]`` (milliseconds), the price then moved by ``moves[i]`` (log return), which is
    ``labels[i]``.
    """

    rows: Rows
    ends: NDArray[np.int64]
    closed_at: NDArray[np.int64]
    moves: Series
    labels: Labels

    def of(self, chosen: NDArray[np.bool_]) -> "SampleTable":
        """The chosen samples over the same rows."""
        return SampleTable(
            self.rows, self.ends[chosen], self.closed_at[chosen], self.moves[chosen], self.labels[chosen]
        )

    def __len__(self) -> int:
        return len(self.ends)


def sample_table(series: Sequence[CandleColumns], *, horizon: int, cost_bps: float, stride: int) -> SampleTable:
    """Every ``stride``-th sample of each series that has its whole history, window and horizon without a gap."""
    parts = [
        _samples(columns, horizon, cost_bps, stride) for columns in series if len(columns) > HISTORY + WINDOW + horizon
    ]
    if not parts:
        empty = np.empty(0)
        whole = np.empty(0, np.int64)
        return SampleTable(np.empty((0, 0), np.float32), whole, whole, empty, whole)
    offsets = np.cumsum([0, *(len(part.rows) for part in parts[:-1])])
    return SampleTable(
        rows=np.concatenate([part.rows for part in parts]),
        ends=np.concatenate([part.ends + offset for part, offset in zip(parts, offsets, strict=True)]),
        closed_at=np.concatenate([part.closed_at for part in parts]),
        moves=np.concatenate([part.moves for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
    )


def _samples(columns: CandleColumns, horizon: int, cost_bps: float, stride: int) -> SampleTable:
    rows = feature_rows(
        times=columns.times, high=columns.high, low=columns.low, close=columns.close, volume=columns.volume
    )
    bars = np.arange(HISTORY + WINDOW - 1, len(columns) - horizon)[::stride]
    span = (HISTORY + WINDOW - 1 + horizon) * columns.length_ms
    whole = columns.times[bars + horizon] - columns.times[bars - (HISTORY + WINDOW - 1)] == span
    bars = bars[whole]
    moves = moves_ahead(columns.close, horizon)[bars]
    return SampleTable(
        rows=rows,
        ends=(bars - HISTORY).astype(np.int64),
        closed_at=columns.closes_at[bars],
        moves=moves,
        labels=labels_of(moves, cost_bps=cost_bps),
    )
