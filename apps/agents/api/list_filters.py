"""Filters of the agents' lists."""

import django_filters as filters

from apps.agents.domain.promotion.stages import Stage
from apps.agents.models import (
    Agent,
    Decision,
    DesiredState,
    ModelOrigin,
    ModelState,
    NeuralModel,
    Outcome,
    Promotion,
    Vote,
)
from apps.market.domain import timeframes

STAGES = [(stage.value, stage.value) for stage in Stage]
TIMEFRAMES = [(name, name) for name in timeframes.SECONDS]


class AgentFilter(filters.FilterSet):
    desired_state = filters.ChoiceFilter(choices=DesiredState.choices)
    strategy = filters.CharFilter()
    timeframe = filters.ChoiceFilter(choices=TIMEFRAMES)

    class Meta:
        model = Agent
        fields: list[str] = []

    def filter_queryset(self, queryset):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        rows = super().filter_queryset(queryset)
        asked = self.form.cleaned_data.get("desired_state")
        return rows if asked else rows.exclude(desired_state=DesiredState.DESTROYED)


class VoteFilter(filters.FilterSet):
    instrument = filters.CharFilter(field_name="round__symbol")
    timeframe = filters.ChoiceFilter(field_name="round__timeframe", choices=TIMEFRAMES)
    abstain = filters.BooleanFilter()

    class Meta:
        model = Vote
        fields: list[str] = []


class ModelFilter(filters.FilterSet):
    state = filters.ChoiceFilter(choices=ModelState.choices)
    origin = filters.ChoiceFilter(choices=ModelOrigin.choices)
    timeframe = filters.ChoiceFilter(choices=TIMEFRAMES)

    class Meta:
        model = NeuralModel
        fields: list[str] = []


class PromotionFilter(filters.FilterSet):
    stage = filters.ChoiceFilter(choices=STAGES)
    agent_id = filters.UUIDFilter()

    class Meta:
        model = Promotion
        fields: list[str] = []


class DecisionFilter(filters.FilterSet):
    instrument = filters.CharFilter(field_name="symbol")
    timeframe = filters.ChoiceFilter(choices=TIMEFRAMES)
    outcome = filters.ChoiceFilter(choices=Outcome.choices)
    code = filters.CharFilter()
    order_id = filters.UUIDFilter()
    since = filters.IsoDateTimeFilter(field_name="closed_at", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="closed_at", lookup_expr="lte")

    class Meta:
        model = Decision
        fields: list[str] = []
