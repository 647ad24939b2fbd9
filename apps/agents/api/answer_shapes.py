"""What clients get from the agents' room, for the OpenAPI document; the views themselves are built in ``queries``."""

from rest_framework import serializers

from apps.agents.domain.agent_scoring import HALF_LIFE
from apps.foundation.rest.serializer_fields import InstrumentField, UtcTimeField


class AgentVoteShape(serializers.Serializer):
    id = serializers.IntegerField()
    round_id = serializers.UUIDField()
    instrument = InstrumentField()
    timeframe = serializers.CharField()
    closed_at = UtcTimeField()
    direction = serializers.FloatField(help_text="-1 (down) to 1 (up).")
    confidence = serializers.FloatField(help_text="0 to 1.")
    abstain = serializers.BooleanField()
    horizon_bars = serializers.IntegerField()
    expires_at = UtcTimeField()
    reason = serializers.CharField()
    digest = serializers.CharField()
    received_at = UtcTimeField()
    next_bar_bps = serializers.FloatField(allow_null=True)
    horizon_bps = serializers.FloatField(allow_null=True)


class AgentScoreShape(serializers.Serializer):
    at = UtcTimeField()
    votes = serializers.IntegerField()
    opinions = serializers.IntegerField(help_text="Judged votes that were no abstentions.")
    hits = serializers.IntegerField(help_text="How many of them were right, each counted once.")
    hit_rate = serializers.FloatField(
        allow_null=True,
        help_text=f"Share that was right; a vote's weight halves every {HALF_LIFE:.0f} votes: not hits / opinions.",
    )
    brier = serializers.FloatField(allow_null=True, help_text="Weighted likewise; a coin has 0.25.")
    pnl_bps = serializers.FloatField()
    weight = serializers.FloatField()
    benched_reason = serializers.CharField(allow_null=True)


class HeartbeatShape(serializers.Serializer):
    at = UtcTimeField()
    votes = serializers.IntegerField()
    failures = serializers.IntegerField(help_text="Questions on which its strategy raised since the process started.")
    problem = serializers.CharField(
        help_text="What it raised at the last bar, be it on one instrument; empty where it answered."
    )
    warm_bars = serializers.IntegerField()
    needs_bars = serializers.IntegerField()
    rss_bytes = serializers.IntegerField()


class AgentCardShape(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.CharField()
    strategy = serializers.CharField()
    instruments = serializers.ListField(child=InstrumentField())
    follows_watch_list = serializers.BooleanField()
    timeframe = serializers.CharField()
    parameters = serializers.DictField()
    needs_bars = serializers.IntegerField(allow_null=True)
    resources = serializers.DictField()
    desired_state = serializers.ChoiceField(choices=["running", "draining", "stopped", "destroyed"])
    origin = serializers.ChoiceField(choices=["person", "first start", "scaling", "autoscaler"])
    drain_reason = serializers.CharField(allow_null=True)
    weight = serializers.FloatField()
    may_veto = serializers.BooleanField()
    benched_reason = serializers.CharField(allow_null=True)
    budget = serializers.CharField(allow_null=True)
    created_at = UtcTimeField()
    changed_at = UtcTimeField()
    heartbeat = HeartbeatShape(allow_null=True)
    warming = serializers.CharField(allow_null=True)
    activity = serializers.CharField()
    votes = AgentVoteShape(many=True)
    score = AgentScoreShape(allow_null=True)
    refused_votes = serializers.IntegerField()
    promotion_stage = serializers.CharField(allow_null=True, help_text="None: it was never put on the way.")
    promotion_practice = serializers.BooleanField(help_text="Its promotion is practice: failed gates were waived.")


class RefusedVotesShape(serializers.Serializer):
    code = serializers.CharField()
    count = serializers.IntegerField()
    detail = serializers.CharField()
    first_at = UtcTimeField()
    last_at = UtcTimeField()


class PerformanceShape(serializers.Serializer):
    agent_id = serializers.UUIDField()
    name = serializers.CharField()
    weight = serializers.FloatField()
    benched_reason = serializers.CharField(allow_null=True)
    votes = serializers.IntegerField()
    score = AgentScoreShape(allow_null=True)
    history = AgentScoreShape(many=True)
    refused = RefusedVotesShape(many=True)


class StrategyParameterShape(serializers.Serializer):
    name = serializers.CharField()
    default = serializers.FloatField()
    lowest = serializers.FloatField()
    highest = serializers.FloatField()
    whole = serializers.BooleanField()
    description = serializers.CharField()
    searched = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="Where a search looks: from and to."
    )


class MemorySpanShape(serializers.Serializer):
    default = serializers.CharField(help_text="Such as 256M or 1G.")
    lowest = serializers.CharField()
    highest = serializers.CharField()


class CpuSpanShape(serializers.Serializer):
    default = serializers.FloatField()
    lowest = serializers.FloatField()
    highest = serializers.FloatField()


class ResourceSpansShape(serializers.Serializer):
    memory = MemorySpanShape()
    cpu = CpuSpanShape()


class StrategyShape(serializers.Serializer):
    name = serializers.CharField()
    description = serializers.CharField()
    default_timeframe = serializers.CharField()
    needs_bars = serializers.IntegerField()
    unavailable = serializers.CharField(help_text="Why an agent of it could not vote here; empty where it could.")
    parameters = StrategyParameterShape(many=True)
    resources = ResourceSpansShape(help_text="What an agent of it gets where none are named, and within which bounds.")


class ModelShape(serializers.Serializer):
    id = serializers.UUIDField()
    digest = serializers.CharField(help_text="SHA-256 of the weights' file.")
    origin = serializers.ChoiceField(choices=["trained", "shipped"])
    state = serializers.ChoiceField(choices=["candidate", "promoted", "retired"])
    timeframe = serializers.CharField()
    horizon_bars = serializers.IntegerField()
    passed = serializers.BooleanField(help_text="Whether it passed all gates of a promotion.")
    facts = serializers.DictField()
    card = serializers.DictField(help_text="What was measured in training: folds, trades, rules, gates.")
    created_at = UtcTimeField()
    created_by = serializers.CharField()
    promoted_at = UtcTimeField(allow_null=True)
    promoted_by = serializers.CharField(allow_null=True)
    promotion_reason = serializers.CharField(allow_null=True)
    retired_at = UtcTimeField(allow_null=True)
    retired_by = serializers.CharField(allow_null=True)
    retirement_reason = serializers.CharField(allow_null=True)


class DeviceShape(serializers.Serializer):
    device = serializers.CharField()
    title = serializers.CharField()
    alive = serializers.BooleanField()
    at = UtcTimeField(help_text="Of its last sign of life.")
    model = serializers.CharField(help_text="Digest of the model it holds ready; empty without any.")
    waiting = serializers.IntegerField(help_text="Batches in its queue.")
    batches = serializers.IntegerField()
    windows = serializers.IntegerField()
    failures = serializers.IntegerField()
    problem = serializers.CharField()
    batch_size_mean = serializers.FloatField(allow_null=True)
    batch_ms_p50 = serializers.FloatField(allow_null=True)
    batch_ms_p99 = serializers.FloatField(allow_null=True)
    memory_used = serializers.IntegerField(allow_null=True, help_text="Bytes.")
    memory_total = serializers.IntegerField(allow_null=True, help_text="Bytes.")


class DecisionShape(serializers.Serializer):
    id = serializers.UUIDField()
    instrument = InstrumentField()
    timeframe = serializers.CharField()
    closed_at = UtcTimeField()
    decided_at = UtcTimeField()
    outcome = serializers.ChoiceField(choices=["ORDER", "DENIED", "NO_TRADE", "SKIPPED"])
    code = serializers.CharField()
    reason = serializers.CharField()
    headline = serializers.CharField(help_text="One line in plain words, with the order as it stands now.")
    method = serializers.CharField()
    rules = serializers.DictField()
    score = serializers.FloatField()
    target = serializers.FloatField(allow_null=True)
    held = serializers.FloatField(allow_null=True)
    expected_edge_bps = serializers.FloatField(allow_null=True)
    fee_bps = serializers.FloatField()
    volatility = serializers.FloatField()
    horizon_bars = serializers.IntegerField()
    asked = serializers.IntegerField()
    opinions = serializers.IntegerField()
    in_favour = serializers.IntegerField()
    votes = serializers.ListField(child=serializers.DictField())
    sizing = serializers.DictField()
    verdicts = serializers.ListField(child=serializers.DictField())
    order_id = serializers.UUIDField(allow_null=True)
    order = serializers.DictField(allow_null=True)
    correlation_id = serializers.CharField()


class ExplanationShape(serializers.Serializer):
    instrument = InstrumentField()
    at = UtcTimeField()
    decisions = DecisionShape(many=True)
    open_rounds = serializers.ListField(child=serializers.DictField())
    note = serializers.CharField()


class PolicyShape(serializers.Serializer):
    version = serializers.IntegerField()
    method = serializers.CharField()
    quorum = serializers.FloatField()
    veto_confidence = serializers.FloatField()
    enter = serializers.FloatField()
    leave = serializers.FloatField()
    full = serializers.FloatField()
    band = serializers.FloatField()
    denied_pause_bars = serializers.IntegerField()
    author = serializers.CharField()
    reason = serializers.CharField()
    at = UtcTimeField()
