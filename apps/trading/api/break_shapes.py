"""What clients send and get about breaks, for the OpenAPI document and the check of bodies."""

from rest_framework import serializers

from apps.foundation.rest.serializer_fields import InstrumentField, StrictSerializer, UtcTimeField
from apps.trading.api.answer_shapes import money
from apps.trading.domain.venues.break_kinds import BreakKind, BreakState, Choice
from apps.trading.operations.risk.required_reason import LONGEST

CHOICES = [choice.value for choice in Choice]


class ResolveBreakRequest(StrictSerializer):
    choice = serializers.ChoiceField(choices=CHOICES, help_text="One of the break's own choices.")
    reason = serializers.CharField(max_length=LONGEST)


class BreakChoiceShape(serializers.Serializer):
    choice = serializers.ChoiceField(choices=CHOICES)
    vars()["label"] = serializers.CharField()
    consequence = serializers.CharField()


class BreakShape(serializers.Serializer):
    id = serializers.UUIDField()
    account = serializers.CharField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in BreakKind])
    instrument = InstrumentField(allow_null=True)
    asset = serializers.CharField(allow_null=True)
    amount = money(nullable=True, why="What the venue has less what our books say, of the asset.")
    order_id = serializers.UUIDField(allow_null=True)
    detail = serializers.CharField(help_text="What differs.")
    healing = serializers.CharField(help_text="What the house did.")
    what_to_do = serializers.CharField()
    choices = BreakChoiceShape(many=True)
    facts = serializers.DictField()
    quarantines = serializers.BooleanField(help_text="New risk is kept out of the instrument, or of the account.")
    state = serializers.ChoiceField(choices=[state.value for state in BreakState])
    opened_at = UtcTimeField()
    opened_firm_at = UtcTimeField()
    seen_at = UtcTimeField()
    times_seen = serializers.IntegerField()
    choice = serializers.CharField()
    choice_reason = serializers.CharField()
    choice_by = serializers.CharField()
    choice_at = UtcTimeField(allow_null=True)
    cancel_wanted = serializers.BooleanField()
    closed_at = UtcTimeField(allow_null=True)


class ReconciliationShape(serializers.Serializer):
    account = serializers.CharField()
    reconciled = serializers.BooleanField(help_text="Compared whole since the executor's start.")
    required_at = UtcTimeField(allow_null=True)
    passed_at = UtcTimeField(allow_null=True)
    tried_at = UtcTimeField(allow_null=True)
    finished_at = UtcTimeField(allow_null=True)
    failures = serializers.IntegerField()
    trouble = serializers.CharField()
    open_breaks = serializers.IntegerField()
    summary = serializers.DictField()
