"""The market's things as JSON-ready dicts: the same for REST, WebSocket frames and snapshots."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from apps.foundation.clock import Moment
from apps.foundation.money import plain
from apps.market import ports
from apps.market.domain import timeframes
from apps.market.domain.candles import Candle
from apps.market.domain.mark_price import Mark
from apps.market.domain.order_book import OrderBook
from apps.market.domain.quotes import LAST_TRADE_ONLY, Quote
from apps.market.models import Backfill, CandleGap, DataNotice, Instrument, MarketClock, Provider, StoredCandle
from apps.market.queries.candles import closed_candles
from apps.market.queries.instruments import found_instrument, primary_source, watched_symbols
from apps.market.queries.market_clock import MarketClockView, current_moment, market_clock
from apps.market.queries.prices import latest_quotes, priced
from apps.market.queries.sessions import sessions_of

ASSUMED_QUOTES = {
    "live": "",
    "recorded": "Bid and ask are assumed: the recorded close, 1 bp to each side.",
    "simulated": "Simulated market: bid and ask are the generated close, 1 bp and 4 % of the bar's range to each side.",
}


def iso(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with Z."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def quote_view(quote: Quote) -> dict[str, Any]:
    """One source's quote."""
    return {
        "instrument": quote.symbol,
        "source": quote.source,
        "bid": plain(quote.bid),
        "ask": plain(quote.ask),
        "last": plain(quote.last),
        "spread_bps": plain(round(quote.spread_bps, 4)),
        "event_at": iso(quote.event_at),
        "received_at": iso(quote.received_at),
        "market": quote.market,
    }


def mark_view(found: Mark) -> dict[str, Any]:
    """The price that counts, or why there is none."""
    return {
        "price": plain(found.price),
        "as_of": iso(found.as_of),
        "received_at": iso(found.received_at),
        "sources": list(found.sources),
        "spread_bps": None if found.spread_bps is None else plain(round(found.spread_bps, 4)),
        "stale": found.stale,
        "diverging": found.diverging,
        "reason": found.reason,
        "closed": found.closed,
        "opens_at": iso(found.opens_at),
    }


def quote_snapshot(symbol: str, moment: Moment | None = None) -> dict[str, Any]:
    """All sources and the mark of one instrument: the ``data`` of the channel ``quotes:SYMBOL``. ``NotFound`` when
    unknown.
    """
    found_instrument(symbol)
    return quote_snapshots([symbol], moment or current_moment())[symbol]


def quote_snapshots(symbols: Sequence[str], moment: Moment) -> dict[str, dict[str, Any]]:
    """The same for several instruments in one read."""
    clock = market_clock()
    return {
        symbol: {
            "instrument": symbol,
            "market": clock.kind,
            "assumption": _assumption(clock.kind, quotes),
            "mark": mark_view(found),
            "quotes": [quote_view(quote) for quote in quotes],
        }
        for symbol, (found, quotes) in priced(symbols, moment, clock).items()
    }


def _assumption(kind: str, quotes: Sequence[Quote]) -> str:
    told = [ASSUMED_QUOTES[kind], *(LAST_TRADE_ONLY.get(quote.source, "") for quote in quotes)]
    return " ".join(words for words in told if words)


def quote_snapshots_of(symbol: str | None, moment: Moment) -> list[dict[str, Any]]:
    """One instrument's snapshot, or those of the whole watch list in its order. ``NotFound`` when unknown."""
    if symbol is not None:
        return [quote_snapshot(symbol, moment)]
    return list(quote_snapshots(watched_symbols(), moment).values())


def candle_view(candle: Candle) -> dict[str, Any]:
    """One closed bar."""
    return {
        "instrument": candle.symbol,
        "source": candle.source,
        "timeframe": candle.timeframe,
        "open_at": iso(candle.open_at),
        "close_at": iso(candle.close_at),
        "open": plain(candle.open),
        "high": plain(candle.high),
        "low": plain(candle.low),
        "close": plain(candle.close),
        "volume": plain(candle.volume),
    }


def stored_candle_view(row: StoredCandle) -> dict[str, Any]:
    """The same of a stored row."""
    values = (row.open, row.high, row.low, row.close, row.volume)
    return candle_view(Candle(row.instrument_id, row.source, row.timeframe, row.open_at, *values))


def candle_snapshot(symbol: str, timeframe: str, limit: int = 500) -> dict[str, Any]:
    """The newest closed candles of the primary source, oldest first: the snapshot of the channel
    ``candles:SYMBOL:TIMEFRAME``.
    """
    until = current_moment().firm
    candles = closed_candles(symbol=symbol, timeframe=timeframe, until=until, limit=limit)
    return {
        "instrument": symbol,
        "timeframe": timeframe,
        "source": primary_source(symbol),
        "candles": [candle_view(candle) for candle in candles],
    }


def instrument_view(row: Instrument, at: datetime | None = None) -> dict[str, Any]:
    """One instrument with its rules; ``assumed`` names those that no exchange stated. ``open``: its exchange is open
    at this moment (firm time), until ``session_until``; what keeps no calendar is always open.
    """
    session = sessions_of(row.calendar, at or current_moment().firm) if row.calendar else None
    status = None if session is None else session.status(at or current_moment().firm)
    return {
        "instrument": row.symbol,
        "base": row.base,
        "quote": row.quote,
        "tick_size": plain(row.tick_size),
        "step_size": plain(row.step_size),
        "min_quantity": plain(row.min_quantity),
        "min_notional": plain(row.min_notional),
        "assumed": list(row.assumed),
        "sources": list(row.sources),
        "calendar": row.calendar,
        "open": status is None or status.is_open,
        "session_until": None if status is None else iso(status.until),
        "watched": row.watched,
        "paused": row.paused_reason is not None,
        "paused_reason": row.paused_reason,
        "paused_by": row.paused_by,
        "paused_at": iso(row.paused_at),
    }


def provider_view(row: Provider, leading: str = "") -> dict[str, Any]:
    """One source of prices and how it is doing."""
    return {
        "name": row.name,
        "market": row.market,
        "priority": row.priority,
        "enabled": row.enabled,
        "state": row.state,
        "message": row.message,
        "primary": row.name == leading,
        "failures": row.failures,
        "latency_ms": row.latency_ms,
        "last_ok_at": iso(row.last_ok_at),
        "last_error_at": iso(row.last_error_at),
    }


def provider_views() -> list[dict[str, Any]]:
    """All sources by priority; ``primary`` marks the leading one."""
    leading = MarketClock.objects.values_list("primary_source", flat=True).first() or ""
    return [provider_view(row, leading) for row in Provider.objects.order_by("priority", "name")]


def gap_view(row: CandleGap) -> dict[str, Any]:
    """Bars that a source did not give."""
    return {
        "id": row.pk,
        "instrument": row.instrument_id,
        "source": row.source,
        "timeframe": row.timeframe,
        "first_open": iso(row.first_open),
        "last_open": iso(row.last_open),
        "missing": row.missing,
        "state": row.state,
        "found_at": iso(row.found_at),
    }


def notice_view(row: DataNotice) -> dict[str, Any]:
    """Something wrong in what a source sent, repaired or refused."""
    return {
        "id": row.pk,
        "instrument": row.instrument_id,
        "source": row.source,
        "timeframe": row.timeframe,
        "open_at": iso(row.open_at),
        "kind": row.kind,
        "repaired": row.repaired,
        "detail": row.detail,
        "found_at": iso(row.found_at),
    }


def backfill_view(row: Backfill) -> dict[str, Any]:
    """One history being fetched, with its progress in [0, 1]."""
    return {
        "id": str(row.id),
        "instrument": row.instrument_id,
        "source": row.source,
        "timeframe": row.timeframe,
        "first_open": iso(row.first_open),
        "last_open": iso(row.last_open),
        "wanted": row.wanted,
        "stored": row.stored,
        "progress": round(_share_done(row), 4),
        "state": row.state,
        "message": row.message,
        "requested_by": row.requested_by,
        "created_at": iso(row.created_at),
        "changed_at": iso(row.changed_at),
    }


def recent_backfills(limit: int) -> list[dict[str, Any]]:
    """The histories asked for last, newest first."""
    return [backfill_view(row) for row in Backfill.objects.order_by("-created_at", "-id")[:limit]]


def _share_done(row: Backfill) -> float:
    length = timeframes.span(row.timeframe)
    return min(1.0, max(0.0, (row.next_open - row.first_open) / (row.last_open + length - row.first_open)))


def orderbook_view(symbol: str, depth: int = 20) -> dict[str, Any]:
    """The book of the primary source. A market without recorded books shows the assumed top of book and says so."""
    row = found_instrument(symbol)
    moment = current_moment()
    leading = primary_source(symbol)
    clock = market_clock()
    if clock.lock_step:
        book = _top_of_book(symbol, leading, clock)
    else:
        provider = next((one for one in ports.adapters().live() if one.name == leading), None)
        book = None if provider is None else provider.order_book(row.symbol, depth=depth, received_at=moment.wall)
    return {
        "instrument": symbol,
        "source": leading,
        "market": clock.kind,
        "as_of": None if book is None else iso(book.as_of),
        "assumption": "No source has quoted this instrument yet." if book is None else book.assumed,
        "bids": [] if book is None else [[plain(price), plain(quantity)] for price, quantity in book.bids],
        "asks": [] if book is None else [[plain(price), plain(quantity)] for price, quantity in book.asks],
    }


def _top_of_book(symbol: str, leading: str, clock: MarketClockView) -> OrderBook | None:
    quote = next((quote for quote in latest_quotes(symbol) if quote.source == leading), None)
    if quote is None:
        return None
    told = ASSUMED_QUOTES[clock.kind] + " No depth is known."
    return OrderBook(
        symbol, leading, quote.event_at, bids=((quote.bid, None),), asks=((quote.ask, None),), assumed=told
    )


def clock_view(clock: MarketClockView) -> dict[str, Any]:
    """The market's clock for screens."""
    return {
        "kind": clock.kind,
        "lock_step": clock.lock_step,
        "base_timeframe": clock.base_timeframe,
        "speed": clock.speed,
        "bar_at": iso(clock.bar_at),
        "bar_index": clock.bar_index,
        "state": clock.state,
        "message": clock.message,
        "dataset": clock.dataset,
        "digest": clock.digest,
        "seed": clock.seed,
        "sources": list(clock.sources),
        "primary_source": clock.primary_source,
        "first_open": iso(clock.first_open),
        "last_open": iso(clock.last_open),
        "released_at": iso(clock.released_at),
    }
