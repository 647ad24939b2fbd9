"""The window of closed candles on its way to an agent and back: the message's ``bars`` and ``venues``, and the view
they make.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from apps.agents.domain.strategies.contract import MarketView, VenueQuote
from apps.market.domain.candle_columns import PRICES, CandleColumns
from apps.market.domain.quotes import Quote


def bars_message(candles: CandleColumns) -> dict[str, list[Any]]:
    """The candles as columns of plain numbers, oldest first. Floats, since strategies decide on floats."""
    return {"open_at_ms": candles.times.tolist(), **{name: getattr(candles, name).tolist() for name in PRICES}}


def venues_message(quotes: Sequence[Quote]) -> list[dict[str, Any]]:
    """The quotes as plain rows, the primary source first."""
    return [
        {"source": q.source, "bid": float(q.bid), "ask": float(q.ask), "event_at": q.event_at.isoformat()}
        for q in quotes
    ]


def tail_of(bars: Mapping[str, list[Any]], length: int) -> dict[str, list[Any]]:
    """The last ``length`` candles of a message's columns."""
    return {name: values[-length:] for name, values in bars.items()}


def market_view(message: Mapping[str, Any]) -> MarketView:
    """The view that a message describes. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for one that describes
    none.
    """
    bars = message["bars"]
    return MarketView(
        symbol=str(message["symbol"]),
        timeframe=str(message["timeframe"]),
        closed_at=datetime.fromisoformat(message["closed_at"]),
        times=np.array(bars["open_at_ms"], dtype=np.int64),
        **{name: np.array(bars[name], dtype=np.float64) for name in PRICES},
        venues=tuple(
            VenueQuote(str(v["source"]), float(v["bid"]), float(v["ask"]), datetime.fromisoformat(v["event_at"]))
            for v in message["venues"]
        ),
        fee_bps=float(message["fee_bps"]),
    )
