"""What clients get of risk: limits, their history and use, the trading state, venues, the agents' budgets."""

from rest_framework import serializers

from apps.foundation.rest.serializer_fields import UtcTimeField
from apps.trading.api.answer_shapes import TRADING_STATES, CauseShape, money
from apps.trading.domain.risk.venue_ladder import LADDER


class VenueShape(serializers.Serializer):
    account = serializers.CharField()
    venue = serializers.CharField()
    in_house = serializers.BooleanField(help_text="The paper exchange: no network lies between.")
    enabled = serializers.BooleanField()
    state = serializers.ChoiceField(choices=TRADING_STATES, help_text="Worst of the house's causes and its own.")
    rung = serializers.ChoiceField(choices=[str(rung) for rung in LADDER], allow_null=True)
    means = serializers.CharField()
    since = UtcTimeField(allow_null=True)
    reason = serializers.CharField()
    latency_ms = serializers.FloatField(allow_null=True, help_text="Moving average.")
    answers = serializers.IntegerField()
    failures = serializers.IntegerField()
    failures_in_row = serializers.IntegerField()
    last_failure_kind = serializers.CharField()
    last_failure_at = UtcTimeField(allow_null=True)
    last_ok_at = UtcTimeField(allow_null=True)
    clock_offset_ms = serializers.IntegerField(allow_null=True, help_text="Our clock minus the venue's.")
    clock_read_at = UtcTimeField(allow_null=True)


class StateShape(serializers.Serializer):
    state = serializers.ChoiceField(choices=TRADING_STATES, help_text="The worst of all open causes.")
    causes = CauseShape(many=True)
    history = CauseShape(many=True)
    venues = VenueShape(many=True)


class LimitUseRowShape(serializers.Serializer):
    limit = serializers.CharField()
    used = serializers.JSONField(help_text="A decimal string, or a whole number for counts; null for want of a price.")
    holds = serializers.JSONField()
    used_pct = money(nullable=True, why="100 is all of it.")
    about = serializers.CharField()


class LimitUseShape(serializers.Serializer):
    account = serializers.CharField()
    as_of = UtcTimeField()
    stale = serializers.BooleanField()
    use = LimitUseRowShape(many=True)


class LimitsVersionShape(serializers.Serializer):
    version = serializers.IntegerField()
    author = serializers.CharField()
    reason = serializers.CharField()
    at = UtcTimeField()
    changes = serializers.DictField(help_text="Limit to {from, to}.")


class BudgetShape(serializers.Serializer):
    agent_id = serializers.UUIDField()
    account = serializers.CharField()
    currency = serializers.CharField()
    free = money()
    reserved = money()
