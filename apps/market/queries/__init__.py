"""What others may ask the market room."""

from apps.market.queries.candles import bars_between, bars_of, candle_columns, closed_candles, closes_of
from apps.market.queries.instruments import (
    instrument_paused,
    instrument_rules,
    listed_sources,
    primary_source,
    watched_symbols,
)
from apps.market.queries.market_clock import MarketClockView, current_moment, market_clock
from apps.market.queries.order_market import OrderMarket, order_market, remembered_market
from apps.market.queries.prices import latest_quotes, latest_quotes_of, mark, marks
from apps.market.queries.sessions import closed_instruments, resting, session_status
from apps.market.queries.views import (
    backfill_view,
    candle_snapshot,
    candle_view,
    clock_view,
    gap_view,
    instrument_view,
    mark_view,
    notice_view,
    orderbook_view,
    provider_view,
    provider_views,
    quote_snapshot,
    quote_snapshots_of,
    quote_view,
    stored_candle_view,
)

__all__ = [
    "MarketClockView",
    "OrderMarket",
    "backfill_view",
    "bars_between",
    "bars_of",
    "candle_columns",
    "candle_snapshot",
    "candle_view",
    "clock_view",
    "closed_candles",
    "closed_instruments",
    "closes_of",
    "current_moment",
    "gap_view",
    "instrument_paused",
    "instrument_rules",
    "instrument_view",
    "latest_quotes",
    "latest_quotes_of",
    "listed_sources",
    "mark",
    "mark_view",
    "market_clock",
    "marks",
    "notice_view",
    "order_market",
    "orderbook_view",
    "primary_source",
    "provider_view",
    "provider_views",
    "quote_snapshot",
    "quote_snapshots_of",
    "quote_view",
    "remembered_market",
    "resting",
    "session_status",
    "stored_candle_view",
    "watched_symbols",
]
