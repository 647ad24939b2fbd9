"""Candle files as ``download_candles`` writes them, filled by a test."""

import gzip
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from apps.market.domain import recorded_set, simulated_market, timeframes

START = datetime(2026, 3, 2, tzinfo=UTC)
HEADER = "timestamp_ms,open,high,low,close,volume"


def write_rows(path: Path, rows: Iterable[tuple]) -> Path:
    """A file with these rows of milliseconds, prices and volume."""
    text = "\n".join([HEADER, *(",".join(str(cell) for cell in row) for row in rows)]) + "\n"
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def write_candles(
    folder: Path,
    symbol: str,
    *,
    bars: int,
    exchange: str = "binance",
    timeframe: str = "5m",
    first: int = 0,
    lost: Iterable[int] = (),
    seed: int = 5,
) -> Path:
    """A file with generated prices; bar ``k`` has the same ones in every file with this seed, whatever its span."""
    rows = []
    for index in range(first, first + bars):
        bar = simulated_market.candle(seed=seed, symbol=symbol, source=simulated_market.SOURCES[0], index=index)
        if bar is not None and index not in set(lost):
            opened = timeframes.to_milliseconds(START + index * timeframes.span(timeframe))
            rows.append((opened, bar.open, bar.high, bar.low, bar.close, bar.volume))
    return write_rows(folder / recorded_set.file_name(exchange, symbol, timeframe), rows)
