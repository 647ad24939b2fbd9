"""What clients send to the agents' room: shapes only; whether a name exists is judged by the operation."""

from rest_framework import serializers

from apps.agents.domain.consensus import METHODS
from apps.foundation.rest.serializer_fields import InstrumentField, StrictSerializer, UtcTimeField


class CreateAgentRequest(StrictSerializer):
    type = serializers.CharField(max_length=20, default="trading_agent")
    strategy = serializers.CharField(max_length=60)
    resources = serializers.DictField(required=False, help_text='Such as {"memory": "1G", "cpu": 1.0}.')
    instruments = serializers.ListField(child=InstrumentField(), required=False, help_text="Empty: the watch list.")
    timeframe = serializers.CharField(max_length=4, required=False, help_text="Missing: the strategy's own.")
    parameters = serializers.DictField(required=False, help_text="What shall differ from the strategy's defaults.")


class ConfigureAgentRequest(StrictSerializer):
    resources = serializers.DictField(required=False)
    instruments = serializers.ListField(child=InstrumentField(), required=False)
    timeframe = serializers.CharField(max_length=4, required=False)
    parameters = serializers.DictField(required=False)
    may_veto = serializers.BooleanField(required=False)


class ChangePolicyRequest(StrictSerializer):
    reason = serializers.CharField(max_length=500)
    method = serializers.ChoiceField(choices=METHODS, required=False)
    quorum = serializers.FloatField(min_value=0.0, max_value=1.0, required=False)
    veto_confidence = serializers.FloatField(min_value=0.0, max_value=1.0, required=False)
    enter = serializers.FloatField(min_value=-1.0, max_value=1.0, required=False)
    leave = serializers.FloatField(min_value=-1.0, max_value=1.0, required=False)
    full = serializers.FloatField(min_value=-1.0, max_value=1.0, required=False)
    band = serializers.FloatField(min_value=0.0, max_value=1.0, required=False)
    denied_pause_bars = serializers.IntegerField(min_value=0, max_value=1_000, required=False)


class ExplainQuery(serializers.Serializer):
    instrument = InstrumentField()
    at = UtcTimeField(required=False, help_text="Missing: now, in firm time.")
