"""Stored candles. Nothing here shows a bar before it has closed."""

from collections.abc import Collection, Iterable
from datetime import datetime

import numpy as np
from django.db import connection, transaction
from django.db.models import Max, QuerySet
from numpy.typing import NDArray

from apps.foundation.errors import NotReady
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import PRICES, CandleColumns
from apps.market.domain.candles import Candle
from apps.market.models import MarketClock, StoredCandle
from apps.market.queries.bar_memory import BarMemory
from apps.market.queries.candle_spans import no_candles
from apps.market.queries.instruments import primary_source, primary_sources
from apps.market.queries.market_clock import market_clock

_FIELDS = ("instrument_id", "source", "timeframe", "open_at", "open", "high", "low", "close", "volume")


# As floats and milliseconds, in parts: as rows of Decimals a few million candles would take gigabytes.
_COLUMNS = """
SELECT (extract(epoch FROM open_at) * 1000)::float8, open::float8, high::float8, low::float8, close::float8,
       volume::float8
FROM market_storedcandle WHERE symbol = %s AND source = %s AND timeframe = %s ORDER BY open_at
"""
_CHUNK = 20_000
# The newest of each series at once: what agents decide on. As the bytes of numbers, which nobody parses.
_NEWEST = """
SELECT i.symbol, i.source, w.candles
FROM unnest(%s::text[], %s::text[]) AS i (symbol, source)
CROSS JOIN LATERAL (
    SELECT string_agg(int8send(c.open_at) || float8send(c.open) || float8send(c.high) || float8send(c.low)
                      || float8send(c.close) || float8send(c.volume), NULL) AS candles
    FROM (
        SELECT * FROM (
            SELECT (extract(epoch FROM s.open_at) * 1000)::bigint AS open_at, s.open::float8, s.high::float8,
                   s.low::float8, s.close::float8, s.volume::float8
            FROM market_storedcandle s
            WHERE s.symbol = i.symbol AND s.source = i.source AND s.timeframe = %s AND s.open_at <= %s
            ORDER BY s.open_at DESC LIMIT %s
        ) AS newest ORDER BY open_at
    ) AS c
) AS w WHERE w.candles IS NOT NULL
"""
_SENT = np.dtype([("open_at", ">i8"), *((name, ">f8") for name in PRICES)])  # as PostgreSQL sends them


def closed_candles(
    *, symbol: str, timeframe: str, until: datetime, limit: int, source: str | None = None
) -> list[Candle]:
    """The last ``limit`` candles that closed at or before ``until``, oldest first; of the primary source unless one is
    named.

    ``NotFound`` for an unknown instrument, ``ValueError`` for an unknown timeframe.
    """
    last_open = until - timeframes.span(timeframe)
    rows = _of(symbol, source or primary_source(symbol), timeframe).filter(open_at__lte=last_open)
    return list(reversed(read(rows.order_by("-open_at")[:limit])))


# One read however many instruments: each one's leading source is chosen as ``primary_source`` chooses it.
_BASE_ROWS = """
FROM market_storedcandle c
JOIN market_instrument i ON i.symbol = c.symbol
LEFT JOIN (SELECT primary_source FROM market_marketclock LIMIT 1) k ON true
WHERE c.symbol = ANY(%s) AND c.timeframe = %s AND c.open_at > %s AND c.open_at <= %s
  AND c.source = CASE WHEN i.sources @> to_jsonb(coalesce(k.primary_source, '')) OR jsonb_array_length(i.sources) = 0
                      THEN coalesce(k.primary_source, '') ELSE i.sources ->> 0 END
"""
_BARS = "c.symbol, c.source, c.timeframe, c.open_at, c.open, c.high, c.low, c.close, c.volume"
_BASE_BARS = f"SELECT {_BARS} {_BASE_ROWS} ORDER BY c.open_at, c.symbol"
# A row an instrument: they are thousands of closes, read for each order.
_CLOSES = "array_agg((extract(epoch FROM c.open_at) * 1000)::bigint), array_agg(c.close::float8)"
_BASE_CLOSES = f"SELECT c.symbol, {_CLOSES} {_BASE_ROWS} GROUP BY c.symbol"
_kept_closes: BarMemory[tuple[str, int], dict[int, float]] = BarMemory()


def bars_of(*, symbols: Iterable[str], after: datetime, until: datetime, base: str) -> list[Candle]:
    """Base candles of each instrument's leading source that close after ``after`` and not after ``until``, in one
    read, by time and then symbol. What the source lost is not there. ``base``: the market's base timeframe, which the
    caller knows from its clock.
    """
    wanted, length = list(symbols), timeframes.span(base)
    if not wanted or after >= until:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_BASE_BARS, [wanted, base, after - length, until - length])
        return [Candle(*values) for values in cursor.fetchall()]


def candle_columns(*, symbol: str, timeframe: str, source: str | None = None) -> CandleColumns:
    """All stored candles of an instrument as columns; of the primary source unless one is named.

    ``NotFound`` for an unknown instrument, ``NotReady`` (``no_candles``) where there are none.
    """
    named = source or primary_source(symbol)
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_COLUMNS, [symbol, named, timeframe])
        parts = [np.array(rows, np.float64) for rows in iter(lambda: cursor.fetchmany(_CHUNK), [])]
    if not parts:
        told = (
            f"No {timeframe} candles of {symbol} from {source} are stored here."
            if source
            else no_candles(symbol, timeframe)
        )
        raise NotReady(told, code="no_candles")
    whole = np.concatenate(parts)
    prices = dict(zip(PRICES, whole[:, 1:].T.copy(), strict=True))
    return CandleColumns(symbol, named, timeframe, whole[:, 0].astype(np.int64), **prices)


def closed_columns(
    *, symbols: Collection[str], timeframe: str, until: datetime, limit: int
) -> dict[str, CandleColumns]:
    """``closed_candles`` of several instruments in one read, as columns, by symbol; one without candles is missing."""
    sources = primary_sources(symbols)
    last_open = until - timeframes.span(timeframe)
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [list(sources), list(sources.values()), timeframe, last_open, limit])
        return {
            symbol: _columns_of(symbol, source, timeframe, np.frombuffer(candles, _SENT))
            for symbol, source, candles in cursor.fetchall()
        }


def _columns_of(symbol: str, source: str, timeframe: str, sent: NDArray[np.void]) -> CandleColumns:
    times, *prices = (sent[name] for name in ("open_at", *PRICES))
    return CandleColumns(
        symbol, source, timeframe, times.astype(np.int64), *(column.astype(np.float64) for column in prices)
    )


def closes_of(*, symbols: Iterable[str], until: datetime, bars: int) -> dict[str, dict[int, float]]:
    """Closing prices by opening time (milliseconds) of the last ``bars`` + 1 base bars of several instruments: what
    returns are measured on, to be read only. Bars that are missing are missing.
    """
    clock, wanted = market_clock(), list(symbols)
    kept = _kept_closes.of(until, clock)
    missing = [symbol for symbol in wanted if (symbol, bars) not in kept]
    if missing:
        length = timeframes.span(clock.base_timeframe)
        read = _read_closes(missing, clock.base_timeframe, until - length * (bars + 2), until - length)
        kept |= {(symbol, bars): closes for symbol, closes in read.items()}
    return {symbol: kept[symbol, bars] for symbol in wanted}


def _read_closes(symbols: list[str], base: str, after: datetime, until: datetime) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {symbol: {} for symbol in symbols}
    with connection.cursor() as cursor:
        cursor.execute(_BASE_CLOSES, [symbols, base, after, until])
        for symbol, opened, closes in cursor.fetchall():
            found[symbol] = dict(zip(opened, closes, strict=True))
    return found


def base_candles_at(
    *, closed_at: datetime, symbols: Iterable[str], sources: Iterable[str], base: str, within: int
) -> list[Candle]:
    """For each symbol and source its newest base candle that closed at or before ``closed_at``, at most ``within``
    bars ago.
    """
    length = timeframes.span(base)
    rows = (
        StoredCandle.objects.filter(
            instrument_id__in=list(symbols),
            source__in=list(sources),
            timeframe=base,
            open_at__lte=closed_at - length,
            open_at__gt=closed_at - length * (within + 1),
        )
        .order_by("instrument_id", "source", "-open_at")
        .distinct("instrument_id", "source")
    )
    return read(rows)


def newest_open(*, symbol: str, source: str, timeframe: str) -> datetime | None:
    """The opening time of the newest stored candle."""
    newest: datetime | None = _of(symbol, source, timeframe).aggregate(newest=Max("open_at"))["newest"]
    return newest


def base_timeframe() -> str:
    """The finest stored timeframe of the running market."""
    return MarketClock.objects.values_list("base_timeframe", flat=True).first() or "1m"


def read(rows: QuerySet[StoredCandle]) -> list[Candle]:
    """Rows as values, in the order of the query."""
    return [Candle(*values) for values in rows.values_list(*_FIELDS)]


def _of(symbol: str, source: str, timeframe: str) -> QuerySet[StoredCandle]:
    return StoredCandle.objects.filter(instrument_id=symbol, source=source, timeframe=timeframe)
