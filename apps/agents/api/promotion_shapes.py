"""What clients get of promotions, for the OpenAPI document; the views themselves are built in ``queries``."""

from rest_framework import serializers

from apps.agents.domain.promotion.stages import Stage
from apps.agents.models import JudgementOutcome
from apps.foundation.rest.serializer_fields import UtcTimeField

STAGES = [stage.value for stage in Stage]


class PromotionGateShape(serializers.Serializer):
    name = serializers.CharField()
    required = serializers.CharField()  # type: ignore[assignment]  # a field of that name; DRF takes it off the class
    seen = serializers.CharField()
    passed = serializers.BooleanField()
    pending = serializers.BooleanField(
        help_text="Not yet: it lacks time, votes or research, and nothing spoke against it."
    )
    waived = serializers.BooleanField(help_text="It was not passed, and practice does not ask for it.")


class PromotionJudgementShape(serializers.Serializer):
    outcome = serializers.ChoiceField(choices=JudgementOutcome.choices)
    before = serializers.CharField(allow_null=True, help_text="The stage it was on.")
    after = serializers.CharField(help_text="The stage it came to, or stayed on.")
    at = UtcTimeField()
    at_firm = UtcTimeField()
    actor = serializers.CharField()
    reason = serializers.CharField()
    gates = PromotionGateShape(many=True, help_text="As they were seen then.")


class PromotionShape(serializers.Serializer):
    id = serializers.UUIDField()
    agent_id = serializers.UUIDField()
    agent = serializers.CharField()
    strategy = serializers.CharField()
    model_id = serializers.UUIDField(allow_null=True)
    model = serializers.CharField(allow_null=True, help_text="Digest of the model that judges this agent's windows.")
    stage = serializers.ChoiceField(choices=STAGES)
    next_stage = serializers.CharField(allow_null=True, help_text="None at the end of the way.")
    since = UtcTimeField(help_text="On this stage since, firm time.")
    paper_days = serializers.IntegerField()
    canary_days = serializers.IntegerField()
    canary_share = serializers.FloatField(help_text="Of the weights in a round, for all canaries together.")
    practice = serializers.BooleanField(help_text="To see the way: failed gates that judge the candidate are waived.")
    unheard = serializers.CharField(allow_null=True, help_text="Why its votes do not count; none where they do.")
    opened_at = UtcTimeField()
    opened_by = serializers.CharField()
    ended_reason = serializers.CharField(allow_null=True)
    gates = PromotionGateShape(many=True, help_text="What leads to the next stage, as it is met now.")
    judgements = PromotionJudgementShape(many=True, help_text="Newest first, the last 20.")
