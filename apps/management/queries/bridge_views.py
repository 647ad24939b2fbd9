"""The bridge as people see it: peers with their keys and what was heard of them, and the messages of either way."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from apps.foundation.signing_key import bridge_key
from apps.foundation.time_text import utc_text
from apps.management.models import AgentProposal, BridgeLink, BridgePeer, BridgePeerKey, OutgoingEnvelope, TakenEnvelope
from apps.management.queries.bridge_state import named_peers

HEARD = timedelta(seconds=60)


def bridge_view() -> dict[str, Any]:
    """How peers know this instance, and with whom it speaks."""
    key = bridge_key()
    public, following = key.known(), key.following()
    known = set(BridgePeer.objects.values_list("pk", flat=True))
    return {
        "instance": settings.HQ_INSTANCE,
        "role": settings.HQ_ROLE,
        "connected": bool(settings.HQ_BRIDGE_URL and named_peers()),
        "peers": named_peers(),
        "not_added": [name for name in named_peers() if name not in known],
        "fingerprint": public.fingerprint if public else None,
        "public_key": public.armored if public else None,
        "next_fingerprint": following.fingerprint if following else None,
    }


def peer_view(row: BridgePeer, wall: datetime) -> dict[str, Any]:
    """One peer as this instance knows it."""
    link = BridgeLink.objects.filter(own=settings.HQ_INSTANCE, peer=row).first() or BridgeLink(peer=row)
    return {
        "name": row.name,
        "named": row.name in named_peers(),
        "may_halt": row.may_halt,
        "may_propose": row.may_propose,
        "keys": [_key_view(key, wall) for key in row.keys.order_by("-added_at", "-pk")],
        "heard": link.heard_at is not None and wall - link.heard_at <= HEARD,
        "heard_at": utc_text(link.heard_at),
        "role": link.peer_role or None,
        "leads": link.peer_leads,
        "epoch": link.peer_epoch,
        "trading_state": link.peer_state or None,
        "version": link.peer_version or None,
        "waiting_here": link.outgoing.filter(taken_at__isnull=True).count() if link.pk else 0,
        "waiting_there": link.peer_waiting,
        "taken": link.in_sequence,
        "added_by": row.added_by,
        "added_at": utc_text(row.added_at),
        "reason": row.reason,
    }


def peer_views(wall: datetime) -> list[dict[str, Any]]:
    """Every peer that was added, by name."""
    return [peer_view(row, wall) for row in BridgePeer.objects.order_by("name")]


def outgoing_view(row: OutgoingEnvelope) -> dict[str, Any]:
    """One message to a peer; what is in it stays here."""
    return {
        "id": row.pk,
        "peer": row.link.peer_id,
        "kind": row.kind,
        "series": row.series,
        "sequence": row.sequence,
        "attempt": row.attempt,
        "written_at": utc_text(row.written_at),
        "sent_at": utc_text(row.sent_at),
        "taken_at": utc_text(row.taken_at),
        "refused_code": row.refused_code,
    }


def taken_view(row: TakenEnvelope) -> dict[str, Any]:
    """One message of a peer."""
    return {
        "id": row.pk,
        "peer": row.sender,
        "kind": row.kind,
        "series": row.series,
        "sequence": row.sequence,
        "attempt": row.attempt,
        "epoch": row.epoch,
        "issued_at": utc_text(row.issued_at),
        "taken_at": utc_text(row.taken_at),
        "outcome": row.outcome,
        "fingerprint": row.fingerprint,
        "digest": row.digest,
    }


def proposal_view(row: AgentProposal) -> dict[str, Any]:
    """One agent that a peer proposed."""
    return {
        "id": str(row.pk),
        "sender": row.sender,
        "strategy": row.strategy,
        "timeframe": row.timeframe,
        "instruments": row.instruments,
        "parameters": row.parameters,
        "author": row.author,
        "reason": row.reason,
        "received_at": utc_text(row.received_at),
        "state": row.state,
        "agent_id": str(row.agent_id) if row.agent_id else None,
        "decided_by": row.decided_by,
        "decided_at": utc_text(row.decided_at),
        "decision_reason": row.decision_reason,
    }


def _key_view(key: BridgePeerKey, wall: datetime) -> dict[str, Any]:
    return {
        "fingerprint": key.fingerprint,
        "holds": key.ends_at is None or key.ends_at > wall,
        "added_by": key.added_by,
        "added_at": utc_text(key.added_at),
        "ends_at": utc_text(key.ends_at),
        "ended_by": key.ended_by,
    }
