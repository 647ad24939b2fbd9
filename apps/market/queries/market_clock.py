"""Which market runs, and what time it is in the firm."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from apps.foundation.clock import Moment, wall_now
from apps.market.models import MarketClock, MarketKind, MarketState

LIVE_BASE_TIMEFRAME = "1m"


@dataclass(frozen=True, slots=True)
class MarketClockView:
    """The market's clock as others see it. ``bar_at`` is the close of the current bar; None before the first one of a
    live market.
    """

    kind: str
    lock_step: bool
    base_timeframe: str
    speed: float
    bar_at: datetime | None
    state: str
    message: str
    dataset: str
    digest: str
    seed: int | None
    sources: tuple[str, ...]
    primary_source: str
    bar_index: int
    first_open: datetime | None
    last_open: datetime | None
    released_at: datetime | None


def market_clock() -> MarketClockView:
    """The clock of the running market; state ``warming`` without a bar while none was started."""
    # Raw, here and below: nearly every request waits for this read, and building the query would take longer than it.
    return clock_view_of(next(iter(MarketClock.objects.raw("SELECT * FROM market_marketclock LIMIT 1")), None))


def clock_view_of(row: MarketClock | None) -> MarketClockView:
    """The clock as others see it, from its row or from none."""
    if row is None:
        return MarketClockView(
            kind=settings.MARKET,
            lock_step=settings.MARKET != MarketKind.LIVE,
            base_timeframe=LIVE_BASE_TIMEFRAME,
            speed=settings.SPEED,
            bar_at=None,
            state=MarketState.WARMING,
            message="The market has not started yet.",
            dataset="",
            digest="",
            seed=None,
            sources=(),
            primary_source="",
            bar_index=0,
            first_open=None,
            last_open=None,
            released_at=None,
        )
    return MarketClockView(
        kind=row.kind,
        lock_step=row.lock_step,
        base_timeframe=row.base_timeframe,
        speed=row.speed,
        bar_at=row.bar_at,
        state=row.state,
        message=row.message,
        dataset=row.description,
        digest=row.digest,
        seed=row.seed,
        sources=tuple(row.sources),
        primary_source=row.primary_source,
        bar_index=row.bar_index,
        first_open=row.first_open,
        last_open=row.last_open,
        released_at=row.released_at,
    )


def current_moment(wall: datetime | None = None) -> Moment:
    """Both clocks, read once at the edge: the firm's time is the current bar's close in lock-step, the wall clock
    otherwise.
    """
    wall = wall or wall_now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT bar_at FROM market_marketclock WHERE kind <> %s LIMIT 1", [MarketKind.LIVE.value])
        row = cursor.fetchone()
    return Moment(wall=wall, firm=(row and row[0]) or wall)
