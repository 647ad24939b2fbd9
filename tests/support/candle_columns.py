"""Minutes of 2024 as columns, for backtests; made by the strategies' own kit."""

import numpy as np

from apps.agents.domain.strategy_kit import candles_of

FIRST_MS = 1_704_067_200_000  # 2024-01-01 UTC


def columns_of(closes, *, symbol="BTC/USDT", timeframe="1m", spread=0.001, volume=1_000.0):
    """Bars that open at the close before and reach 0.1 % beyond both."""
    given = {"symbol": symbol, "timeframe": timeframe, "source": "staged", "first_ms": FIRST_MS}
    return candles_of(closes, reach=spread, volume=volume, **given)


def random_columns(bars, *, seed, start=30_000.0, deviation=0.001, **kind):
    """A walk in steps of a cent."""
    steps = np.random.default_rng(seed).normal(0.0, deviation, bars)
    return columns_of(np.round(start * np.exp(np.cumsum(steps)), 2), **kind)
