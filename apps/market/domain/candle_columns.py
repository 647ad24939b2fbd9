"""A whole series of candles as columns of numbers: what backtests read, and the exact candle behind each row."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from apps.market.domain import timeframes
from apps.market.domain.candles import Candle

Column = NDArray[np.float64]
PRICES = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class CandleColumns:
    """Candles of one instrument at one source, oldest first; ``times`` are opening times in milliseconds.

    Floats that came from decimal texts of up to 15 digits give back exactly those decimals, which is more than any
    recorded price or volume has. Raises ``ValueError`` for columns of different length or times that don't ascend.
    """

    symbol: str
    source: str
    timeframe: str
    times: NDArray[np.int64]
    open: Column
    high: Column
    low: Column
    close: Column
    volume: Column

    def __post_init__(self) -> None:
        lengths = {len(self.times), *(len(getattr(self, name)) for name in PRICES)}
        if len(lengths) != 1:
            raise ValueError(f"The candle columns of {self.symbol} differ in length: {sorted(lengths)}.")
        if (np.diff(self.times) <= 0).any():
            raise ValueError(f"The candles of {self.symbol} must ascend in time, each once.")

    def __len__(self) -> int:
        return len(self.times)

    @property
    def length_ms(self) -> int:
        """Length of a bar in milliseconds."""
        return timeframes.seconds(self.timeframe) * 1_000

    @property
    def closes_at(self) -> NDArray[np.int64]:
        """The closing time of each bar in milliseconds."""
        return self.times + self.length_ms

    def rows(self, start: int, end: int) -> "CandleColumns":
        """The bars from place ``start`` up to ``end``, without copying."""
        if start == 0 and end == len(self):
            return self
        columns = {name: getattr(self, name)[start:end] for name in ("times", *PRICES)}
        return CandleColumns(self.symbol, self.source, self.timeframe, **columns)

    def between(self, first_ms: int, until_ms: int) -> "CandleColumns":
        """The bars that open at or after ``first_ms`` and before ``until_ms``."""
        start, end = np.searchsorted(self.times, [first_ms, until_ms])
        return self.rows(int(start), int(end))

    def candle(self, place: int) -> Candle:
        """The candle of a row, in exact decimals."""
        return Candle(
            self.symbol,
            self.source,
            self.timeframe,
            timeframes.from_milliseconds(int(self.times[place])),
            *(Decimal(repr(float(getattr(self, name)[place]))) for name in PRICES),
        )


def sound_rows(times: NDArray[np.int64], prices: dict[str, Column], timeframe: str) -> NDArray[np.bool_]:
    """Which rows can be true: the rule of ``candles.problem`` for whole columns."""
    opened, high, low, close, volume = (prices[name] for name in PRICES)
    finite = np.isfinite(opened) & np.isfinite(high) & np.isfinite(low) & np.isfinite(close) & np.isfinite(volume)
    ordered = (low > 0.0) & (low <= np.minimum(opened, close)) & (high >= np.maximum(opened, close))
    return finite & ordered & (volume >= 0.0) & (times % (timeframes.seconds(timeframe) * 1_000) == 0)


def coarser(columns: CandleColumns, timeframe: str) -> CandleColumns:
    """Candles of a longer timeframe from the complete buckets of a shorter one; the rule of ``candles.merge``.

    Raises ``ValueError`` where the one does not divide the other.
    """
    length, finer = timeframes.seconds(timeframe) * 1_000, columns.length_ms
    if length <= finer or length % finer:
        raise ValueError(f"{timeframe} candles can't be made of {columns.timeframe} candles.")
    buckets = columns.times // length
    starts = np.flatnonzero(np.diff(buckets, prepend=buckets[0] - 1))
    whole = starts[np.diff(np.append(starts, len(columns))) == length // finer]
    if not len(whole):
        empty = np.empty(0)
        return CandleColumns(columns.symbol, columns.source, timeframe, np.empty(0, np.int64), *[empty] * len(PRICES))
    parts = whole[:, None] + np.arange(length // finer)
    return CandleColumns(
        columns.symbol,
        columns.source,
        timeframe,
        buckets[whole] * length,
        columns.open[whole],
        columns.high[parts].max(axis=1),
        columns.low[parts].min(axis=1),
        columns.close[parts[:, -1]],
        columns.volume[parts].sum(axis=1),
    )
