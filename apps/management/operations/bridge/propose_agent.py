"""Propose an agent of ours to a peer, sealed: its strategy and settings are nobody else's business."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.agents.queries import agent_card
from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, NotFound
from apps.foundation.identifiers import new_id
from apps.management.domain.bridge_envelope import Kind
from apps.management.models import BridgePeer, OutgoingEnvelope
from apps.management.operations.bridge.write_post import write_post
from apps.management.queries.bridge_state import holding_keys
from apps.management.queries.bridge_views import outgoing_view
from apps.trading.operations.risk.required_reason import required_reason


@transaction.atomic
def propose_agent(
    *, own: str, peers: list[str], peer: str, agent_id: UUID, actor: str, reason: str, moment: Moment
) -> dict[str, Any]:
    """Write the proposal; the message that carries it. ``peers``: with whom this instance speaks at all.

    Raises ``NotFound`` for an unknown agent or peer, ``Conflict`` where it has no key that holds, ``Refused`` without a
    reason.
    """
    reason = required_reason(reason)
    if peer not in peers or not BridgePeer.objects.filter(pk=peer).exists():
        raise NotFound(f"There is no peer {peer} that HQ_PEERS names and an admin added.", code="unknown_peer")
    if not holding_keys(peer, moment.wall):
        raise Conflict(f"{peer} has no key that holds; nothing secret can be sent to it.", code="no_peer_key")
    card, proposal_id = agent_card(agent_id), new_id()
    body = {name: card[name] for name in ("strategy", "timeframe", "instruments", "parameters")}
    body |= {"proposal_id": str(proposal_id), "author": actor[:150], "reason": reason}
    cause = f"proposal:{proposal_id}"
    write_post(own=own, peer=peer, kind=Kind.PROPOSAL, body=body, cause=cause, moment=moment)
    audit.append(
        chain=audit.OPERATIONS,
        action="bridge.agent_proposed",
        actor=actor,
        subject=f"peer:{peer}",
        payload={"agent_id": str(agent_id), "proposal_id": str(proposal_id), "reason": reason},
        moment=moment,
    )
    return outgoing_view(OutgoingEnvelope.objects.get(link__own=own, link__peer_id=peer, cause=cause))
