"""The market's tables in the admin: data can be read, instruments are paused through the operations."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.foundation.admin import ReadOnlyAdmin
from apps.foundation.errors import HQError
from apps.market import operations
from apps.market.models import (
    Backfill,
    CandleGap,
    DataNotice,
    Instrument,
    MarketClock,
    Provider,
    StoredCandle,
    TradingSession,
)
from apps.market.queries import current_moment

BY_HAND = "By hand in the admin."


@admin.register(Instrument)
class InstrumentAdmin(ReadOnlyAdmin):
    list_display = [
        "symbol",
        "tick_size",
        "step_size",
        "min_notional",
        "assumed",
        "sources",
        "watched",
        "paused_reason",
    ]
    list_filter = ["watched", "quote", ("paused_reason", admin.EmptyFieldListFilter)]
    search_fields = ["symbol"]
    ordering = ["place", "symbol"]
    actions = ["pause_instruments", "unpause_instruments"]

    @admin.action(description="Pause the chosen instruments")
    def pause_instruments(self, request: HttpRequest, chosen: QuerySet[Instrument]) -> None:
        self._each(request, chosen, operations.pause_instrument, "paused")

    @admin.action(description="Lift the pause of the chosen instruments")
    def unpause_instruments(self, request: HttpRequest, chosen: QuerySet[Instrument]) -> None:
        self._each(request, chosen, operations.unpause_instrument, "no longer paused")

    def _each(self, request: HttpRequest, chosen: QuerySet[Instrument], change: Any, done: str) -> None:
        moment = current_moment()
        for row in chosen.order_by("symbol"):
            try:
                change(symbol=row.symbol, actor=request.user.get_username(), reason=BY_HAND, moment=moment)
            except HQError as error:
                self.message_user(request, error.message, messages.ERROR)
            else:
                self.message_user(request, f"{row.symbol} is {done}.", messages.SUCCESS)


@admin.register(StoredCandle)
class StoredCandleAdmin(ReadOnlyAdmin):
    list_display = ["instrument_id", "source", "timeframe", "open_at", "open", "high", "low", "close", "volume"]
    list_filter = ["instrument", "source", "timeframe"]
    ordering = ["-id"]
    show_full_result_count = False


@admin.register(MarketClock)
class MarketClockAdmin(ReadOnlyAdmin):
    list_display = ["kind", "state", "bar_at", "bar_index", "primary_source", "speed", "message"]


@admin.register(Provider)
class ProviderAdmin(ReadOnlyAdmin):
    list_display = ["name", "market", "priority", "enabled", "state", "latency_ms", "last_ok_at", "failures", "message"]
    list_filter = ["state", "enabled"]
    ordering = ["priority", "name"]


@admin.register(DataNotice)
class DataNoticeAdmin(ReadOnlyAdmin):
    list_display = ["found_at", "instrument_id", "source", "timeframe", "open_at", "kind", "repaired", "detail"]
    list_filter = ["source", "kind", "repaired"]
    search_fields = ["instrument__symbol"]
    ordering = ["-found_at"]


@admin.register(TradingSession)
class TradingSessionAdmin(ReadOnlyAdmin):
    list_display = ["calendar", "open_at", "close_at"]
    list_filter = ["calendar"]
    date_hierarchy = "open_at"
    ordering = ["-open_at"]


@admin.register(CandleGap)
class CandleGapAdmin(ReadOnlyAdmin):
    list_display = ["instrument_id", "source", "timeframe", "first_open", "last_open", "missing", "state", "found_at"]
    list_filter = ["state", "source", "timeframe", "instrument"]
    ordering = ["-first_open"]


@admin.register(Backfill)
class BackfillAdmin(ReadOnlyAdmin):
    list_display = [
        "instrument_id",
        "source",
        "timeframe",
        "first_open",
        "last_open",
        "stored",
        "wanted",
        "state",
        "message",
    ]
    list_filter = ["state", "source", "timeframe"]
    ordering = ["-created_at"]
