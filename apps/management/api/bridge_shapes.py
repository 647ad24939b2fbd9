"""What clients send to and get from the bridge; the views themselves are built in ``queries``."""

from rest_framework import serializers

from apps.foundation.rest.serializer_fields import StrictSerializer, UtcTimeField
from apps.management.models.agent_proposal import ProposalState
from apps.management.operations.bridge.keep_peers import OVERLAP_HOURS

LONGEST_KEY = 20_000
LONGEST_OVERLAP = 24 * 90


class PeerKeyRequest(StrictSerializer):
    public_key = serializers.CharField(
        max_length=LONGEST_KEY, help_text="Armored, as manage.py bridge_key of the other instance prints it."
    )
    fingerprint = serializers.CharField(
        max_length=80, help_text="As its people told it by another way than the key came."
    )
    overlap_hours = serializers.IntegerField(
        min_value=0,
        max_value=LONGEST_OVERLAP,
        required=False,
        default=OVERLAP_HOURS,
        help_text="How long the key it had holds on.",
    )
    reason = serializers.CharField(max_length=500)


class AddPeerRequest(StrictSerializer):
    name = serializers.CharField(max_length=64, help_text="Its HQ_INSTANCE.")
    public_key = serializers.CharField(max_length=LONGEST_KEY)
    fingerprint = serializers.CharField(max_length=80)
    may_halt = serializers.BooleanField(required=False, default=False)
    may_propose = serializers.BooleanField(required=False, default=False)
    reason = serializers.CharField(max_length=500)


class PeerRightsRequest(StrictSerializer):
    may_halt = serializers.BooleanField()
    may_propose = serializers.BooleanField()
    reason = serializers.CharField(max_length=500)


class ProposeAgentRequest(StrictSerializer):
    agent_id = serializers.UUIDField()
    reason = serializers.CharField(max_length=500, help_text="Told to the people there.")


class DecideProposalRequest(StrictSerializer):
    reason = serializers.CharField(max_length=500)


class BridgeShape(serializers.Serializer):
    instance = serializers.CharField()
    role = serializers.CharField()
    connected = serializers.BooleanField(help_text="Whether HQ_BRIDGE_URL and HQ_PEERS are set.")
    peers = serializers.ListField(child=serializers.CharField(), help_text="Those that HQ_PEERS names.")
    not_added = serializers.ListField(child=serializers.CharField(), help_text="Named, and not added by an admin yet.")
    fingerprint = serializers.CharField(allow_null=True, help_text="Of the key that signs here; none before its start.")
    public_key = serializers.CharField(allow_null=True)
    next_fingerprint = serializers.CharField(allow_null=True)


class PeerKeyShape(serializers.Serializer):
    fingerprint = serializers.CharField()
    holds = serializers.BooleanField()
    added_by = serializers.CharField()
    added_at = UtcTimeField()
    ends_at = UtcTimeField(allow_null=True)
    ended_by = serializers.CharField()


class BridgePeerShape(serializers.Serializer):
    name = serializers.CharField()
    named = serializers.BooleanField(help_text="Whether HQ_PEERS names it; with others nothing is exchanged.")
    may_halt = serializers.BooleanField()
    may_propose = serializers.BooleanField()
    keys = PeerKeyShape(many=True)
    heard = serializers.BooleanField()
    heard_at = UtcTimeField(allow_null=True)
    role = serializers.CharField(allow_null=True)
    leads = serializers.BooleanField()
    epoch = serializers.IntegerField()
    trading_state = serializers.CharField(allow_null=True)
    version = serializers.CharField(allow_null=True)
    waiting_here = serializers.IntegerField(help_text="Messages to it without a receipt.")
    waiting_there = serializers.IntegerField(help_text="Messages to us without a receipt, as it last said.")
    taken = serializers.IntegerField()
    added_by = serializers.CharField()
    added_at = UtcTimeField()
    reason = serializers.CharField()


class OutgoingShape(serializers.Serializer):
    id = serializers.IntegerField()
    peer = serializers.CharField()
    kind = serializers.CharField()
    series = serializers.IntegerField()
    sequence = serializers.IntegerField()
    attempt = serializers.IntegerField()
    written_at = UtcTimeField()
    sent_at = UtcTimeField(allow_null=True)
    taken_at = UtcTimeField(allow_null=True)
    refused_code = serializers.CharField()


class TakenShape(serializers.Serializer):
    id = serializers.IntegerField()
    peer = serializers.CharField()
    kind = serializers.CharField()
    series = serializers.IntegerField()
    sequence = serializers.IntegerField()
    attempt = serializers.IntegerField()
    epoch = serializers.IntegerField()
    issued_at = UtcTimeField()
    taken_at = UtcTimeField()
    outcome = serializers.CharField(help_text="taken, or the code of the refusal.")
    fingerprint = serializers.CharField()
    digest = serializers.CharField()


class ProposalShape(serializers.Serializer):
    id = serializers.CharField()
    sender = serializers.CharField()
    strategy = serializers.CharField()
    timeframe = serializers.CharField()
    instruments = serializers.ListField(child=serializers.CharField())
    parameters = serializers.DictField()
    author = serializers.CharField()
    reason = serializers.CharField()
    received_at = UtcTimeField()
    state = serializers.ChoiceField(choices=ProposalState.choices)
    agent_id = serializers.CharField(allow_null=True)
    decided_by = serializers.CharField()
    decided_at = UtcTimeField(allow_null=True)
    decision_reason = serializers.CharField()
