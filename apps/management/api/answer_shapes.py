"""What clients send to and get from the management room; the views themselves are built in ``queries``."""

from rest_framework import serializers

from apps.foundation.rest.serializer_fields import StrictSerializer, UtcTimeField


class StopRequest(StrictSerializer):
    """An empty body is taken: the button must work with nothing filled in."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=500, default="")
    flatten = serializers.BooleanField(required=False, default=False)


class ReasonRequest(StrictSerializer):
    reason = serializers.CharField(max_length=500)


class StopProgressShape(serializers.Serializer):
    by = serializers.CharField()
    reason = serializers.CharField()
    halted_at = UtcTimeField()
    orders_total = serializers.IntegerField(help_text="Cancellations that waited for a venue at the halt.")
    orders_left = serializers.IntegerField(help_text="Cancellations that no venue has confirmed yet.")
    orders_seconds = serializers.FloatField(allow_null=True, help_text="From the halt to the last; null: not yet.")
    agents_total = serializers.IntegerField(help_text="Agents that ran at the halt.")
    agents_left = serializers.IntegerField()
    agents_seconds = serializers.FloatField(allow_null=True, help_text="From the halt to the last; null: not yet.")


class StateShape(serializers.Serializer):
    state = serializers.CharField()
    agents = serializers.CharField()
    progress = StopProgressShape(required=False, allow_null=True)
    note = serializers.CharField(required=False)


class ContainerShape(serializers.Serializer):
    name = serializers.CharField()
    kind = serializers.CharField()
    agent_id = serializers.CharField()
    agent = serializers.CharField(allow_null=True)
    runtime = serializers.CharField()
    health = serializers.CharField()
    reason = serializers.CharField()
    wanted = serializers.BooleanField()
    handle = serializers.CharField()
    digest = serializers.CharField()
    started_at = UtcTimeField(allow_null=True)
    observed_at = UtcTimeField()
    heartbeat_at = UtcTimeField(allow_null=True)
    votes = serializers.IntegerField(allow_null=True)
    exit_code = serializers.IntegerField(allow_null=True)
    restarts = serializers.IntegerField()
    quarantined_at = UtcTimeField(allow_null=True)
    memory_bytes = serializers.IntegerField(allow_null=True)
    cpu_percent = serializers.FloatField(allow_null=True)
    limits = serializers.DictField()
    limits_state = serializers.CharField()


class IncidentShape(serializers.Serializer):
    id = serializers.CharField()
    kind = serializers.CharField()
    subject = serializers.CharField()
    severity = serializers.CharField()
    detail = serializers.CharField()
    open = serializers.BooleanField()
    opened_at = UtcTimeField()
    last_seen_at = UtcTimeField()
    occurrences = serializers.IntegerField()
    closed_at = UtcTimeField(allow_null=True)
    closed_by = serializers.CharField()
    close_reason = serializers.CharField()


class DrillRequest(StrictSerializer):
    scenario = serializers.CharField(max_length=12, help_text="One of those in management/drills/choices/.")
    reason = serializers.CharField(max_length=500, help_text="Kept in the audit.")


class DrillStepShape(serializers.Serializer):
    seconds = serializers.FloatField()
    text = serializers.CharField()


class DrillShape(serializers.Serializer):
    id = serializers.CharField()
    scenario = serializers.CharField()
    title = serializers.CharField()
    reason = serializers.CharField()
    requested_by = serializers.CharField()
    requested_at = UtcTimeField()
    state = serializers.CharField()
    seed = serializers.IntegerField()
    steps = DrillStepShape(many=True)
    problems = serializers.ListField(child=serializers.CharField())
    recovery_seconds = serializers.FloatField(allow_null=True)
    started_at = UtcTimeField(allow_null=True)
    ended_at = UtcTimeField(allow_null=True)


class DrillChoiceShape(serializers.Serializer):
    code = serializers.CharField()
    title = serializers.CharField()
    breaks = serializers.CharField()
    shows = serializers.CharField()


class DrillChoicesShape(serializers.Serializer):
    why_not = serializers.CharField(allow_blank=True)
    drills = DrillChoiceShape(many=True)


class InstanceShape(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    role = serializers.CharField()
    leader = serializers.BooleanField()
    epoch = serializers.IntegerField(allow_null=True)
    lease_age_seconds = serializers.FloatField(allow_null=True)
    promotion_wanted = serializers.BooleanField()
    alive = serializers.BooleanField()
    host = serializers.CharField()
    runtime = serializers.CharField()
    version = serializers.CharField()
    started_at = UtcTimeField()
    seen_at = UtcTimeField()


class AuditEntryShape(serializers.Serializer):
    id = serializers.IntegerField()
    chain = serializers.CharField()
    seq = serializers.IntegerField()
    action = serializers.CharField()
    actor = serializers.CharField()
    subject = serializers.CharField()
    payload = serializers.DictField()
    at = UtcTimeField()
    firm_at = UtcTimeField()
    hash = serializers.CharField()
    previous_hash = serializers.CharField()


class AuditChainShape(serializers.Serializer):
    chain = serializers.CharField()
    rows = serializers.IntegerField()
    head = serializers.CharField()
    first_bad = serializers.CharField(allow_null=True)
    gaps_before = serializers.ListField(
        child=serializers.IntegerField(), help_text="Entries that declare a restore from a backup."
    )


class AuditReportShape(serializers.Serializer):
    ok = serializers.BooleanField()
    rows = serializers.IntegerField()
    first_bad = serializers.CharField(allow_null=True)
    chains = AuditChainShape(many=True)


class HealthShape(serializers.Serializer):
    ok = serializers.BooleanField()
    problems = serializers.ListField(child=serializers.CharField())
    parts = serializers.ListField(child=serializers.DictField())
    processes = serializers.ListField(child=serializers.DictField())
    containers = serializers.ListField(child=serializers.DictField())
    open_incidents = serializers.IntegerField()
    as_of = UtcTimeField()


class AgentLogShape(serializers.Serializer):
    agent_id = serializers.CharField()
    lines = serializers.ListField(child=serializers.CharField())
