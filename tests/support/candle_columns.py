"""Series of candles as columns, for backtests."""

import numpy as np

from apps.market.domain.candle_columns import CandleColumns

FIRST_MS = 1_704_067_200_000  # 2024-01-01 UTC


def columns_of(closes, *, symbol="BTC/USDT", timeframe="1m", spread=0.001, volume=1_000.0):
    """Bars that open at the close before and reach 0.1 % beyond both."""
    close = np.array(closes, dtype=float)
    opened = np.concatenate([close[:1], close[:-1]])
    step = 60_000 if timeframe == "1m" else 300_000
    return CandleColumns(
        symbol,
        "staged",
        timeframe,
        FIRST_MS + np.arange(len(close)) * step,
        opened,
        np.maximum(opened, close) * (1 + spread),
        np.minimum(opened, close) * (1 - spread),
        close,
        np.full(len(close), volume),
    )


def random_columns(bars, *, seed, start=30_000.0, deviation=0.001, **kind):
    """A walk in steps of a cent."""
    steps = np.random.default_rng(seed).normal(0.0, deviation, bars)
    return columns_of(np.round(start * np.exp(np.cumsum(steps)), 2), **kind)
