"""Which candles are stored, from when to when, and what somebody is told who wants others."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from apps.market.domain import timeframes
from apps.market.models import MarketKind
from apps.market.queries.instruments import primary_source
from apps.market.queries.market_clock import market_clock

# Two looks at the ends of an index each, however many candles lie between.
_SPANS = """
SELECT i.symbol, t.timeframe, ends.first, ends.last
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS i (symbol, source, place)
CROSS JOIN unnest(%s::text[]) WITH ORDINALITY AS t (timeframe, length)
CROSS JOIN LATERAL (
    SELECT min(c.open_at) AS first, max(c.open_at) AS last FROM market_storedcandle c
    WHERE c.symbol = i.symbol AND c.source = i.source AND c.timeframe = t.timeframe
) AS ends
WHERE ends.first IS NOT NULL ORDER BY i.place, t.length
"""


@dataclass(frozen=True, slots=True)
class CandleSpan:
    """The opening times of the first and the last stored candle of one series."""

    symbol: str
    timeframe: str
    first: datetime
    last: datetime


def candle_spans(*, symbols: Iterable[str]) -> list[CandleSpan]:
    """Of which instruments candles of the primary source are stored, at which timeframe and from when to when; by
    symbol and timeframe.
    """
    wanted = [(symbol, primary_source(symbol)) for symbol in symbols]
    names, sources = [symbol for symbol, _ in wanted], [source for _, source in wanted]
    with connection.cursor() as cursor:
        cursor.execute(_SPANS, [names, sources, list(timeframes.SECONDS)])
        return [CandleSpan(*row) for row in cursor.fetchall()]


def no_candles(symbol: str, timeframe: str) -> str:
    """What is stored of this instrument instead of the wanted timeframe, and what to do next; in sentences."""
    told = f"No {timeframe} candles of {symbol} are stored here"
    stored = [span.timeframe for span in candle_spans(symbols=[symbol])]
    if stored:
        told += f"; there are {', '.join(stored)}"
    return f"{told}. {more_candles()}"


def more_candles() -> str:
    """How to come by more candles on the market that runs, in a sentence."""
    kind = market_clock().kind
    if kind == MarketKind.LIVE:
        return "Fetch what is missing: Fetch candles on the page Research, or POST /api/v1/market/backfills/."
    return f"A {kind} market stores what it has shown so far: let it run on, or take what there is."
