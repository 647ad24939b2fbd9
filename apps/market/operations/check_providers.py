"""The regular look at the sources of prices."""

from datetime import datetime

from django.db import transaction

from apps.foundation.clock import Moment
from apps.market.domain import timeframes
from apps.market.domain.mark_price import STALE_AFTER_BARS
from apps.market.models import Instrument, MarketClock, Provider, ProviderState, StoredCandle
from apps.market.operations.ask_providers import judge_sources
from apps.market.operations.keep_sessions import keep_sessions
from apps.market.operations.poll_quotes import learn_rules


def check_providers(*, moment: Moment) -> None:
    """Judge every source: on a live market by its answers (wall clock), in lock-step by its newest bar (firm clock)."""
    clock = MarketClock.objects.first()
    if clock is None:
        return
    if clock.lock_step:
        judge_recorded_sources(clock, moment.wall)
        return
    with transaction.atomic():
        judge_sources(moment.wall)
    if Instrument.objects.filter(watched=True, sources=[]).exists():
        learn_rules(moment=moment)
    keep_sessions(first=moment.wall, last=moment.wall)


def judge_recorded_sources(clock: MarketClock, wall: datetime) -> None:
    """A lock-step source is healthy while its newest bar is at most three bars old; else it is in an outage of the
    record.
    """
    if clock.bar_at is None:
        return
    length = timeframes.span(clock.base_timeframe)
    oldest = clock.bar_at - length * (STALE_AFTER_BARS + 1)
    recent = StoredCandle.objects.filter(timeframe=clock.base_timeframe, open_at__gte=oldest, instrument__watched=True)
    speaking = set(recent.order_by().values_list("source", flat=True).distinct())
    for name in sorted(clock.sources):
        row = Provider.objects.filter(name=name)
        if name in speaking:
            row.update(state=ProviderState.HEALTHY, message="", failures=0, last_ok_at=wall)
        else:
            told = f"No bar since {oldest:%Y-%m-%d %H:%M} UTC: a gap in this source."
            row.update(state=ProviderState.DEGRADED, message=told, last_error_at=wall)
