"""History of a live market: planned as rows, fetched page by page, resumed where it stopped."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q

from apps.foundation import after_commit
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, HQError, Refused, RetryableFailure
from apps.foundation.identifiers import new_id
from apps.market import ports
from apps.market.domain import timeframes
from apps.market.models import Backfill, BackfillState, CandleGap, GapState, Instrument, MarketClock, StoredCandle
from apps.market.operations.record_notices import record_notices
from apps.market.operations.show_backfill import show_backfill
from apps.market.operations.store_candles import note_quality, store
from apps.market.ports import MarketDataProvider
from apps.market.queries.instruments import found_instrument, primary_source
from apps.market.queries.sessions import sessions_by_symbol, sessions_of
from apps.market.queries.views import backfill_view

TASK = "workers.market.backfill"
SMALL_HOLES = 0.05  # share of a window; a source's own holes are no reason to ask again and again
PAGE = 300  # candles; every exchange gives that many at once
LARGEST = 100_000  # candles one request may ask for
_UNFINISHED = (BackfillState.QUEUED, BackfillState.RUNNING)
_ABANDONED_AFTER = timedelta(seconds=90)  # a running row nobody touched for that long has lost its worker
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Series:
    """The candles to fetch: one instrument of one source at one timeframe, from the first to the last opening time."""

    symbol: str
    source: str
    timeframe: str
    first_open: datetime
    last_open: datetime

    @property
    def bars(self) -> int:
        """How many candles that would be without a hole."""
        sessions = sessions_by_symbol([self.symbol], self.last_open).get(self.symbol)
        if sessions is not None:
            return max(1, len(sessions.opens_between(self.first_open, self.last_open, self.timeframe)))
        return int((self.last_open - self.first_open) / timeframes.span(self.timeframe)) + 1

    def stored(self) -> int:
        """How many of them are there."""
        rows = StoredCandle.objects.filter(instrument_id=self.symbol, source=self.source, timeframe=self.timeframe)
        return rows.filter(open_at__gte=self.first_open, open_at__lte=self.last_open).count()


def backfill_windows(*, moment: Moment, bars: int) -> list[UUID]:
    """Plan what is missing of the last ``bars`` candles of every watched instrument at every stored timeframe.

    The new rows' ids. Live markets only: in lock-step the history comes with the market. Planning twice adds nothing.
    """
    clock = MarketClock.objects.first()
    if clock is None or clock.lock_step:
        return []
    planned: list[Backfill | None] = []
    for timeframe in timeframes.stored_from(clock.base_timeframe):
        last_open = timeframes.floor_time(moment.wall, timeframe) - timeframes.span(timeframe)
        first_open = last_open - timeframes.span(timeframe) * (bars - 1)
        for row in Instrument.objects.filter(watched=True).exclude(sources=[]).order_by("place"):
            begin = _session_bars_back(row.calendar, last_open, bars, timeframe) if row.calendar else first_open
            series = _Series(row.symbol, primary_source(row.symbol), timeframe, begin, last_open)
            if bars - series.stored() > bars * SMALL_HOLES:
                planned.append(_planned(series, "", moment))
    if Backfill.objects.filter(state__in=_UNFINISHED).exists():
        after_commit.enqueue(TASK, queue="market", expires=120)  # also what an earlier, lost message left behind
    return [row.id for row in planned if row is not None]


def _session_bars_back(calendar: str, last_open: datetime, bars: int, timeframe: str) -> datetime:
    """Where to begin so that the exchange was open for ``bars`` bars."""
    return sessions_of(calendar, last_open).back(last_open, bars, timeframe)


def request_backfill(
    *,
    symbol: str,
    timeframe: str,
    start: datetime,
    end: datetime,
    actor: str,
    moment: Moment,
    source: str | None = None,
) -> dict[str, Any]:
    """Plan the fetching of one span; its view. ``Refused`` for a lock-step market, an empty, future or too long span,
    or an
    unlisted source.
    """
    clock = MarketClock.objects.first()
    if clock is None or clock.lock_step:
        raise Refused(
            "A recorded or simulated market brings its history; only a live one is backfilled.", code="not_live"
        )
    found_instrument(symbol)
    offered = timeframes.stored_from(clock.base_timeframe)
    if timeframe not in offered:
        raise Refused(
            f"timeframe was {timeframe!r}; offered are {', '.join(offered)}.",
            code="unknown_timeframe",
            field="timeframe",
        )
    chosen = source or primary_source(symbol)
    listed = found_instrument(symbol).sources
    if chosen not in listed:
        told = f"source was {source!r}; {symbol} is quoted by {', '.join(listed)}."
        nobody = f"No exchange has quoted {symbol} yet, so it is not known whom to ask; try again in a minute."
        raise Refused(told if listed else nobody, code="unknown_source", field="source")
    first_open = timeframes.floor_time(start, timeframe)
    last_open = timeframes.floor_time(min(end, moment.wall), timeframe) - timeframes.span(timeframe)
    if last_open < first_open:
        raise Refused("No whole bar lies between start and end; widen the span.", code="empty_span", field="end")
    series = _Series(symbol, chosen, timeframe, first_open, last_open)
    if series.bars > LARGEST:
        raise Refused(
            f"The span has {series.bars} bars; ask for at most {LARGEST} at once.", code="span_too_long", field="start"
        )
    planned = _planned(series, actor, moment)
    if planned is None:
        raise Conflict("The same backfill is already under way.", code="backfill_running")
    return backfill_view(planned)


def continue_backfill(*, moment: Moment) -> bool:
    """Fetch one page of the oldest unfinished backfill and show how far it is; True while there is more to do. Any
    number of workers may call it.
    """
    row = _claimed(moment.wall)
    if row is None:
        return False
    more = _step(row, moment)
    show_backfill(row.id, moment)
    return more


def _step(row: Backfill, moment: Moment) -> bool:
    """One page of a claimed backfill, or what hindered it; False where its source does not answer."""
    provider = next((one for one in ports.adapters().live() if one.name == row.source), None)
    if provider is None:
        _finish(row, BackfillState.FAILED, f"{row.source} is no longer among the providers.", moment.wall)
        return True
    try:
        _store_page(row, provider, moment.wall)
    except RetryableFailure as error:
        Backfill.objects.filter(id=row.id).update(
            state=BackfillState.QUEUED, message=error.message, changed_at=moment.wall
        )
        return False
    except HQError as error:
        _finish(row, BackfillState.FAILED, error.message, moment.wall)
    return True


def _claimed(wall: datetime) -> Backfill | None:
    abandoned = Q(state=BackfillState.RUNNING, changed_at__lt=wall - _ABANDONED_AFTER)
    waiting = Backfill.objects.filter(Q(state=BackfillState.QUEUED) | abandoned)
    with transaction.atomic():
        row = waiting.order_by("created_at", "id").select_for_update(skip_locked=True).first()
        if row is not None:
            Backfill.objects.filter(id=row.id).update(state=BackfillState.RUNNING, changed_at=wall)
        return row


def _store_page(row: Backfill, provider: MarketDataProvider, wall: datetime) -> None:
    """Fetch and store one page; its candles and the cursor move in one transaction."""
    length = timeframes.span(row.timeframe)
    end = min(row.last_open, row.next_open + length * (PAGE - 1))
    found = provider.candles(row.instrument_id, row.timeframe, since=row.next_open, limit=PAGE)
    record_notices(wall=wall)
    page = [candle for candle in found if candle.open_at <= end]
    done = end >= row.last_open
    with transaction.atomic():
        store(page)
        note_quality(page, wall=wall)
        _close_filled_gaps(row, end)
        Backfill.objects.filter(id=row.id, next_open=row.next_open).update(
            next_open=end + length,
            stored=row.stored + len(page),
            state=BackfillState.DONE if done else BackfillState.QUEUED,
            message="" if page or not done else f"{row.source} has nothing for this span.",
            changed_at=wall,
        )


def _close_filled_gaps(row: Backfill, end: datetime) -> None:
    """Holes of this series inside the page that are now whole."""
    holes = CandleGap.objects.filter(instrument_id=row.instrument_id, source=row.source, timeframe=row.timeframe)
    for gap in holes.filter(state=GapState.OPEN, first_open__gte=row.next_open, last_open__lte=end):
        series = _Series(row.instrument_id, row.source, row.timeframe, gap.first_open, gap.last_open)
        if series.stored() == gap.missing:
            CandleGap.objects.filter(pk=gap.pk).update(state=GapState.FILLED)


def _planned(series: _Series, actor: str, moment: Moment) -> Backfill | None:
    """A new row, unless one that reaches as far back is unfinished."""
    same = Backfill.objects.filter(instrument_id=series.symbol, source=series.source, timeframe=series.timeframe)
    if same.filter(state__in=_UNFINISHED, first_open__lte=series.first_open).exists():
        return None
    with transaction.atomic():
        row = Backfill.objects.create(
            id=new_id(),
            instrument_id=series.symbol,
            source=series.source,
            timeframe=series.timeframe,
            first_open=series.first_open,
            last_open=series.last_open,
            next_open=series.first_open,
            wanted=series.bars,
            requested_by=actor,
            created_at=moment.wall,
            changed_at=moment.wall,
        )
        after_commit.enqueue(TASK, queue="market", expires=120)
        show_backfill(row.id, moment)
    return row


def _finish(row: Backfill, state: str, message: str, wall: datetime) -> None:
    log.warning("backfill_ended", backfill=str(row.id), state=state, reason=message)
    Backfill.objects.filter(id=row.id).update(state=state, message=message, changed_at=wall)
