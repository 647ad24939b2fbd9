"""Live markets: fetch the bars that have just closed, store them and what they complete, move the market's clock."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from apps.foundation import after_commit
from apps.foundation.clock import Moment
from apps.market import ports
from apps.market.domain import timeframes
from apps.market.domain.candles import Candle
from apps.market.models import Instrument, MarketClock, MarketState, StoredCandle
from apps.market.operations.ask_providers import ask_all
from apps.market.operations.publish_prices import notify, show_candles
from apps.market.operations.record_notices import record_notices
from apps.market.operations.store_candles import complete_coarser, note_missing, note_quality, store
from apps.market.ports import MarketDataProvider
from apps.market.queries.candles import newest_open
from apps.market.queries.sessions import resting, sessions_by_symbol

GRACE = timedelta(seconds=10)  # how long the leading source may take to show a closed bar
CLAIM = timedelta(seconds=15)  # one process fetches; another takes over when it dies
_LONGEST_CATCH_UP = 120  # bars; what is older is the backfill's work


def close_candles(*, moment: Moment) -> datetime | None:
    """Store the bars up to the last full minute; the new ``bar_at``, or None while there is none.

    The clock moves when the leading source has shown every watched instrument's bar, or after ten seconds what there
    is of it.
    Safe to call every second and twice: one caller fetches, candles are upserts, the clock only moves forward.
    """
    clock = MarketClock.objects.first()
    if clock is None or clock.lock_step or clock.state in {MarketState.PAUSED, MarketState.ENDED}:
        return None
    target = timeframes.floor_time(moment.wall, clock.base_timeframe)
    if (clock.bar_at is not None and clock.bar_at >= target) or not _claimed(moment.wall):
        return None
    try:
        return _close(clock, target, moment)
    finally:
        MarketClock.objects.update(closing_until=None)


def _claimed(wall: datetime) -> bool:
    free = Q(closing_until__isnull=True) | Q(closing_until__lt=wall)
    return MarketClock.objects.filter(free).update(closing_until=wall + CLAIM) == 1


def _close(clock: MarketClock, target: datetime, moment: Moment) -> datetime | None:
    base = clock.base_timeframe
    listed = {row.symbol: row.sources for row in Instrument.objects.filter(watched=True).exclude(sources=[])}
    wanted = {
        (source, symbol): _since(symbol, source, base, target)
        for symbol, sources in listed.items()
        for source in sources
    }
    idle = _nothing_new(wanted, base, target)
    asked = {key: since for key, since in wanted.items() if key not in idle}
    answers = ask_all(ports.adapters().live(), lambda provider: _fetched(provider, asked, base, target))
    record_notices(wall=moment.wall)
    found = [candle for answer in answers for candle in answer.found or ()]
    last_open = target - timeframes.span(base)
    leaders = {
        symbol: clock.primary_source if clock.primary_source in sources else sources[0]
        for symbol, sources in listed.items()
    }
    late = moment.wall - target >= GRACE
    off = resting(leaders, last_open, base)
    due = {symbol: leader for symbol, leader in leaders.items() if symbol not in off}
    with transaction.atomic():
        store(found, correct=True)
        missing = _missing(due, base, last_open)
        if not listed or (due and len(missing) == len(due)) or (missing and not late):
            return None
        for symbol in missing:
            note_missing(symbol=symbol, source=leaders[symbol], timeframe=base, open_at=last_open, wall=moment.wall)
        _note_holes(found, moment.wall)
        coarser = complete_coarser(
            base=base, after=clock.bar_at or target - timedelta(days=1), until=target, symbols=listed
        )
        moved = MarketClock.objects.filter(Q(bar_at__isnull=True) | Q(bar_at__lt=target)).update(
            bar_at=target, bar_index=clock.bar_index + 1, released_at=moment.wall
        )
        notify("hq_bar", target.isoformat())
        after_commit.run(lambda: show_candles([*found, *coarser], leaders))
    return target if moved else None


def _since(symbol: str, source: str, base: str, target: datetime) -> datetime:
    """Where to go on: after the newest stored bar, but not further back than a catch-up may reach."""
    length = timeframes.span(base)
    newest = newest_open(symbol=symbol, source=source, timeframe=base)
    earliest = target - length * _LONGEST_CATCH_UP
    return max(newest + length, earliest) if newest is not None else target - length


def _nothing_new(wanted: dict[tuple[str, str], datetime], base: str, target: datetime) -> set[tuple[str, str]]:
    """The series of instruments whose exchange was closed since their newest bar: nobody is asked for those."""
    length = timeframes.span(base)
    sessions = sessions_by_symbol({symbol for _, symbol in wanted}, target)
    return {
        (source, symbol)
        for (source, symbol), since in wanted.items()
        if symbol in sessions and not sessions[symbol].opens_between(since, target - length, base)
    }


def _fetched(
    provider: MarketDataProvider, wanted: dict[tuple[str, str], datetime], base: str, target: datetime
) -> list[Candle]:
    found: list[Candle] = []
    for (source, symbol), since in wanted.items():
        if source == provider.name and since < target:
            limit = int((target - since) / timeframes.span(base)) + 1
            found += provider.candles(symbol, base, since=since, limit=limit)
    return [candle for candle in found if candle.close_at <= target]


def _missing(leaders: dict[str, str], base: str, open_at: datetime) -> list[str]:
    """The instruments whose leading source has not shown this bar."""
    rows = StoredCandle.objects.filter(instrument_id__in=leaders, timeframe=base, open_at=open_at)
    shown = set(rows.values_list("instrument_id", "source"))
    return [symbol for symbol, leader in leaders.items() if (symbol, leader) not in shown]


def _note_holes(found: Iterable[Candle], wall: datetime) -> None:
    """Holes between the newest stored bar before these and these, and inside them."""
    series: dict[tuple[str, str], list[Candle]] = {}
    for candle in found:
        series.setdefault((candle.symbol, candle.source), []).append(candle)
    for candles in series.values():
        note_quality(candles, wall=wall)
