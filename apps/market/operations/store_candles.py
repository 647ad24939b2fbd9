"""Writing candles: base bars, the coarser ones they complete, and the holes between them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

import structlog
from django.db import transaction
from django.db.models import F
from prometheus_client import Counter

from apps.foundation.row_inserts import insert_rows
from apps.market.domain import candles as bars
from apps.market.domain import data_quality, timeframes
from apps.market.domain.candles import Candle
from apps.market.models import CandleGap, StoredCandle
from apps.market.queries.candles import read
from apps.market.queries.sessions import sessions_by_symbol

BATCH = 2_000  # rows a statement; about 1 MB
OUTLIERS = Counter("hq_market_outliers_total", "Candles that look like bad prints.", ["source", "instrument"])
GAPS = Counter("hq_market_missing_bars_total", "Bars that a source did not give.", ["source", "instrument"])
log = structlog.get_logger(__name__)
_VALUES = ["open", "high", "low", "close", "volume"]


def store(candles: Sequence[Candle], *, correct: bool = False) -> None:
    """Insert these candles; one already there is kept, or overwritten when ``correct`` (a live source may correct its
    bar).
    """
    rows = [
        StoredCandle(
            instrument_id=candle.symbol,
            source=candle.source,
            timeframe=candle.timeframe,
            open_at=candle.open_at,
            open=candle.open,
            high=candle.high,
            low=candle.low,
            close=candle.close,
            volume=candle.volume,
        )
        for candle in candles
    ]
    if correct:
        StoredCandle.objects.bulk_create(
            rows,
            batch_size=BATCH,
            update_conflicts=True,
            update_fields=_VALUES,
            unique_fields=["instrument", "source", "timeframe", "open_at"],
        )
    else:
        with transaction.atomic(savepoint=False):
            for first in range(0, len(rows), BATCH):
                insert_rows(rows[first : first + BATCH], ignore_conflicts=True)


def complete_coarser(*, base: str, after: datetime, until: datetime, symbols: Iterable[str]) -> list[Candle]:
    """Store and return every coarser candle that closes after ``after`` and not after ``until``, each from the
    complete step below.
    """
    made: list[Candle] = []
    stored = timeframes.stored_from(base)
    names = list(symbols)
    sessions = sessions_by_symbol(names, until)
    for finer, coarser in pairwise(stored):
        begin, end = timeframes.floor_time(after, coarser), timeframes.floor_time(until, coarser)
        if begin == end:
            break  # a still coarser bar can't have ended either
        rows = StoredCandle.objects.filter(
            instrument_id__in=names, timeframe=finer, open_at__gte=begin, open_at__lt=end
        )
        merged = bars.aggregate(read(rows), coarser, sessions)
        store(merged)
        made += merged
    return made


def note_missing(*, symbol: str, source: str, timeframe: str, open_at: datetime, wall: datetime) -> None:
    """Record that this bar did not come; a hole that ended just before it grows. Doing it twice changes nothing."""
    holes = CandleGap.objects.filter(instrument_id=symbol, source=source, timeframe=timeframe)
    if holes.filter(first_open__lte=open_at, last_open__gte=open_at).exists():
        return
    GAPS.labels(source=source, instrument=symbol).inc()
    grown = holes.filter(last_open=open_at - timeframes.span(timeframe)).update(
        last_open=open_at, missing=F("missing") + 1
    )
    if not grown:
        holes.create(
            instrument_id=symbol,
            source=source,
            timeframe=timeframe,
            first_open=open_at,
            last_open=open_at,
            missing=1,
            found_at=wall,
        )


def note_quality(candles: Sequence[Candle], *, wall: datetime) -> None:
    """Record the holes inside one series of base candles and log what looks like a bad print."""
    if not candles:
        return
    first = candles[0]
    sessions = sessions_by_symbol([first.symbol], candles[-1].open_at).get(first.symbol)
    for gap in data_quality.find_gaps([candle.open_at for candle in candles], first.timeframe, sessions):
        GAPS.labels(source=first.source, instrument=first.symbol).inc(gap.missing)
        CandleGap.objects.get_or_create(
            instrument_id=first.symbol,
            source=first.source,
            timeframe=first.timeframe,
            first_open=gap.first_open,
            defaults={"last_open": gap.last_open, "missing": gap.missing, "found_at": wall},
        )
    for outlier in data_quality.find_outliers(candles):
        OUTLIERS.labels(source=first.source, instrument=first.symbol).inc()
        log.warning(
            "candle_outlier",
            instrument=first.symbol,
            source=first.source,
            open_at=outlier.open_at.isoformat(),
            reason=outlier.reason,
        )
