"""What clients send to and get from scaling; the views themselves are built in ``operations`` and ``queries``."""

from rest_framework import serializers

from apps.foundation.rest.serializer_fields import StrictSerializer, UtcTimeField
from apps.management.domain.autoscaling import BOUNDS, Action


def _whole(name: str) -> serializers.IntegerField:
    lowest, highest = BOUNDS[name]
    return serializers.IntegerField(min_value=int(lowest), max_value=int(highest), required=False)


def _number(name: str) -> serializers.FloatField:
    lowest, highest = BOUNDS[name]
    return serializers.FloatField(min_value=lowest, max_value=highest, required=False)


class ScaleRequest(StrictSerializer):
    target_agents = serializers.IntegerField(help_text="How many agents run afterwards, 1 to 500.")
    strategy_distribution = serializers.ListField(
        child=serializers.CharField(max_length=60),
        help_text="Strategies; agents are dealt in this order. One named twice gets two shares.",
    )
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500, default="")


class PreviewScaleRequest(StrictSerializer):
    target_agents = serializers.IntegerField()
    strategy_distribution = serializers.ListField(child=serializers.CharField(max_length=60))


class ResourcesShape(serializers.Serializer):
    memory_bytes = serializers.IntegerField()
    cpus = serializers.FloatField()


class PlannedAgentShape(serializers.Serializer):
    id = serializers.CharField(allow_null=True, help_text="None in a preview of one that is to be created.")
    name = serializers.CharField(allow_null=True)
    strategy = serializers.CharField()
    reason = serializers.CharField()


class DrainedAgentShape(PlannedAgentShape):
    state = serializers.ChoiceField(choices=["draining", "stopped"])


class StrategyCountShape(serializers.Serializer):
    strategy = serializers.CharField()
    before = serializers.IntegerField()
    after = serializers.IntegerField()
    created = serializers.IntegerField()
    started = serializers.IntegerField()
    kept = serializers.IntegerField()
    drained = serializers.IntegerField()


class ScalePlanShape(serializers.Serializer):
    target_agents = serializers.IntegerField()
    strategy_distribution = serializers.ListField(child=serializers.CharField())
    running_before = serializers.IntegerField()
    changes_nothing = serializers.BooleanField()
    created = PlannedAgentShape(many=True)
    started = PlannedAgentShape(many=True)
    kept = PlannedAgentShape(many=True)
    drained = DrainedAgentShape(many=True)
    by_strategy = StrategyCountShape(many=True)
    budget = ResourcesShape()
    used_after = ResourcesShape()
    note = serializers.CharField(allow_blank=True)


class AutoscalerPolicyShape(serializers.Serializer):
    version = serializers.IntegerField(help_text="0: the defaults, switched off.")
    enabled = serializers.BooleanField()
    strategies = serializers.ListField(child=serializers.CharField())
    least_agents = serializers.IntegerField()
    most_agents = serializers.IntegerField()
    hot_above = serializers.FloatField()
    cool_under = serializers.FloatField()
    late_above = serializers.FloatField()
    weak_brier = serializers.FloatField()
    most_memory_bytes = serializers.IntegerField()
    most_cpus = serializers.FloatField()
    hold_seconds = serializers.IntegerField()
    cooldown_seconds = serializers.IntegerField()
    author = serializers.CharField()
    reason = serializers.CharField()
    at = UtcTimeField(allow_null=True)


class ChangeAutoscalerRequest(StrictSerializer):
    reason = serializers.CharField(max_length=500)
    enabled = serializers.BooleanField(required=False)
    strategies = serializers.ListField(
        child=serializers.CharField(max_length=60), min_length=1, max_length=20, required=False
    )
    least_agents = _whole("least_agents")
    most_agents = _whole("most_agents")
    hot_above = _number("hot_above")
    cool_under = _number("cool_under")
    late_above = _number("late_above")
    weak_brier = _number("weak_brier")
    most_memory_bytes = _whole("most_memory_bytes")
    most_cpus = _number("most_cpus")
    hold_seconds = _whole("hold_seconds")
    cooldown_seconds = _whole("cooldown_seconds")


class ScalingDecisionShape(serializers.Serializer):
    id = serializers.CharField()
    at = UtcTimeField()
    firm_at = UtcTimeField()
    actor = serializers.CharField()
    action = serializers.ChoiceField(choices=[action.value for action in Action])
    code = serializers.CharField()
    reason = serializers.CharField()
    inputs = serializers.DictField()
    plan = serializers.DictField()
    policy_version = serializers.IntegerField(allow_null=True, help_text="None: a person's request.")
