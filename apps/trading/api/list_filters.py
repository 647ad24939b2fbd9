"""Filters of the trading room's lists."""

import django_filters as filters
from django.db.models import QuerySet

from apps.trading.domain.orders.order_intent import ORIGINS, SIDES
from apps.trading.domain.orders.order_lifecycle import OPEN, OrderState
from apps.trading.domain.orders.order_types import ROW_TYPES
from apps.trading.models import EquitySnapshot, Fill, LedgerTransfer, Order
from apps.trading.queries import house_account

_SIDES = [(side, side) for side in SIDES]


class OrderFilter(filters.FilterSet):
    account = filters.CharFilter(field_name="account_id")
    instrument = filters.CharFilter(field_name="symbol")
    state = filters.MultipleChoiceFilter(choices=[(state, state) for state in OrderState])
    open = filters.BooleanFilter(method="only_open", help_text="true: not finished; false: finished.")
    side = filters.ChoiceFilter(choices=_SIDES)
    type = filters.ChoiceFilter(choices=[(name, name) for name in ROW_TYPES])
    origin = filters.ChoiceFilter(choices=[(name, name) for name in ORIGINS])
    protective = filters.BooleanFilter(field_name="is_protective")
    decision_id = filters.UUIDFilter()
    agent_id = filters.UUIDFilter()
    since = filters.IsoDateTimeFilter(field_name="proposed_wall", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="proposed_wall", lookup_expr="lte")

    class Meta:
        model = Order
        fields: list[str] = []

    def only_open(self, orders: QuerySet[Order], _: str, wanted: bool) -> QuerySet[Order]:
        return orders.filter(state__in=OPEN) if wanted else orders.exclude(state__in=OPEN)


class FillFilter(filters.FilterSet):
    account = filters.CharFilter(field_name="account_id")
    instrument = filters.CharFilter(field_name="symbol")
    side = filters.ChoiceFilter(choices=_SIDES)
    order_id = filters.UUIDFilter()
    since = filters.IsoDateTimeFilter(field_name="traded_firm", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="traded_firm", lookup_expr="lte")

    class Meta:
        model = Fill
        fields: list[str] = []


class TransferFilter(filters.FilterSet):
    account = filters.CharFilter(field_name="portfolio__account")
    cause = filters.CharFilter(field_name="cause_kind")
    order_id = filters.UUIDFilter()
    asset = filters.CharFilter(method="of_asset")
    since = filters.IsoDateTimeFilter(field_name="at_wall", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="at_wall", lookup_expr="lte")

    class Meta:
        model = LedgerTransfer
        fields: list[str] = []

    def of_asset(self, transfers: QuerySet[LedgerTransfer], _: str, asset: str) -> QuerySet[LedgerTransfer]:
        return transfers.filter(postings__asset=asset).distinct()


class EquityFilter(filters.FilterSet):
    account = filters.CharFilter(
        field_name="portfolio__account", help_text="Left out: the account that the house trades."
    )
    since = filters.IsoDateTimeFilter(field_name="at_firm", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="at_firm", lookup_expr="lte")

    class Meta:
        model = EquitySnapshot
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[EquitySnapshot]) -> QuerySet[EquitySnapshot]:
        points = super().filter_queryset(queryset)
        return points if self.form.cleaned_data["account"] else points.filter(portfolio__account=house_account())
