"""Filters of the market's lists."""

from typing import Any

import django_filters as filters
from django.db.models import QuerySet

from apps.market.domain import timeframes
from apps.market.models import (
    Backfill,
    BackfillState,
    CandleGap,
    DataNotice,
    GapState,
    Instrument,
    Provider,
    ProviderState,
    StoredCandle,
)
from apps.market.queries.candles import base_timeframe
from apps.market.queries.instruments import found_instrument, primary_source

TIMEFRAMES = [(name, name) for name in timeframes.SECONDS]


class InstrumentFilter(filters.FilterSet):
    instrument = filters.CharFilter(field_name="symbol")
    base = filters.CharFilter()
    quote = filters.CharFilter()
    watched = filters.BooleanFilter()
    paused = filters.BooleanFilter(field_name="paused_reason", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Instrument
        fields: list[str] = []


class CandleFilter(filters.FilterSet):
    """Without ``timeframe`` the market's base timeframe, without ``source`` the leading one."""

    instrument = filters.CharFilter(field_name="instrument_id", required=True)
    timeframe = filters.ChoiceFilter(choices=TIMEFRAMES)
    source = filters.CharFilter()
    start = filters.IsoDateTimeFilter(field_name="open_at", lookup_expr="gte")
    end = filters.IsoDateTimeFilter(field_name="open_at", lookup_expr="lt")

    class Meta:
        model = StoredCandle
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[StoredCandle]) -> QuerySet[StoredCandle]:
        asked: dict[str, Any] = self.form.cleaned_data
        found_instrument(asked["instrument"])
        asked["timeframe"] = asked["timeframe"] or base_timeframe()
        asked["source"] = asked["source"] or primary_source(asked["instrument"])
        rows: QuerySet[StoredCandle] = super().filter_queryset(queryset)
        return rows


class ProviderFilter(filters.FilterSet):
    name = filters.CharFilter()
    state = filters.ChoiceFilter(choices=ProviderState.choices)
    enabled = filters.BooleanFilter()

    class Meta:
        model = Provider
        fields: list[str] = []


class GapFilter(filters.FilterSet):
    instrument = filters.CharFilter(field_name="instrument_id")
    source = filters.CharFilter()
    timeframe = filters.ChoiceFilter(choices=TIMEFRAMES)
    state = filters.ChoiceFilter(choices=GapState.choices)
    start = filters.IsoDateTimeFilter(field_name="last_open", lookup_expr="gte")
    end = filters.IsoDateTimeFilter(field_name="first_open", lookup_expr="lt")

    class Meta:
        model = CandleGap
        fields: list[str] = []


class NoticeFilter(filters.FilterSet):
    instrument = filters.CharFilter(field_name="instrument_id")
    source = filters.CharFilter()
    kind = filters.CharFilter()
    repaired = filters.BooleanFilter()
    start = filters.IsoDateTimeFilter(field_name="open_at", lookup_expr="gte")
    end = filters.IsoDateTimeFilter(field_name="open_at", lookup_expr="lt")

    class Meta:
        model = DataNotice
        fields: list[str] = []


class BackfillFilter(filters.FilterSet):
    instrument = filters.CharFilter(field_name="instrument_id")
    source = filters.CharFilter()
    timeframe = filters.ChoiceFilter(choices=TIMEFRAMES)
    state = filters.ChoiceFilter(choices=BackfillState.choices)

    class Meta:
        model = Backfill
        fields: list[str] = []
