"""Tables of the market room; private to it."""

from apps.market.models.backfill import Backfill, BackfillState
from apps.market.models.candle import StoredCandle
from apps.market.models.candle_gap import CandleGap, GapState
from apps.market.models.data_notice import DataNotice
from apps.market.models.instrument import Instrument
from apps.market.models.market_clock import MarketClock, MarketKind, MarketState
from apps.market.models.provider import Provider, ProviderState
from apps.market.models.trading_session import TradingSession

__all__ = [
    "Backfill",
    "BackfillState",
    "CandleGap",
    "DataNotice",
    "GapState",
    "Instrument",
    "MarketClock",
    "MarketKind",
    "MarketState",
    "Provider",
    "ProviderState",
    "StoredCandle",
    "TradingSession",
]
