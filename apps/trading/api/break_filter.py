"""Filters of the list of breaks."""

import django_filters as filters

from apps.trading.domain.venues.break_kinds import BreakKind, BreakState
from apps.trading.models import ReconciliationBreak


class BreakFilter(filters.FilterSet):
    account = filters.CharFilter(field_name="account_id")
    kind = filters.MultipleChoiceFilter(choices=[(kind.value, kind.value) for kind in BreakKind])
    state = filters.MultipleChoiceFilter(choices=[(state.value, state.value) for state in BreakState])
    instrument = filters.CharFilter(field_name="symbol")
    order_id = filters.UUIDFilter()
    since = filters.IsoDateTimeFilter(field_name="opened_wall", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="opened_wall", lookup_expr="lte")

    class Meta:
        model = ReconciliationBreak
        fields: list[str] = []
