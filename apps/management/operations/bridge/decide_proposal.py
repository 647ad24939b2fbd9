"""A person adopts what a peer proposed, which makes an agent of it, or declines it; once."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.agents import operations as agents
from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, NotFound
from apps.foundation.identifiers import derived_id
from apps.management.models import AgentProposal, Severity
from apps.management.models.agent_proposal import ProposalState
from apps.management.operations.keep_incidents import clear_incident, open_incident
from apps.management.queries.bridge_views import proposal_view
from apps.trading.operations.risk.required_reason import required_reason

WAITS = "bridge_proposal_waits"


def keep_proposal(proposal_id: UUID, *, sender: str, body: dict[str, Any], moment: Moment) -> None:
    """Keep what a peer proposed, in the transaction that takes it; nothing comes of it before a person decides."""
    facts = {name: body[name] for name in ("strategy", "timeframe", "instruments", "parameters", "author", "reason")}
    new = AgentProposal(pk=proposal_id, sender=sender, received_at=moment.wall, **facts)
    AgentProposal.objects.bulk_create([new], ignore_conflicts=True)
    open_incident(
        kind=WAITS,
        subject=str(proposal_id),
        detail=f"{sender} proposes an agent of strategy {facts['strategy']} ({facts['reason']}). Adopt it, or decline.",
        severity=Severity.NOTICE,
        moment=moment,
    )


@transaction.atomic
def adopt_proposal(*, proposal_id: UUID, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """Create the agent as it was proposed; the proposal's view. Our own checks decide whether it can be.

    Raises ``NotFound``, ``Conflict`` where it was decided, ``Refused`` without a reason and for what this firm can't
    run; then nothing was decided.
    """
    reason = required_reason(reason)
    proposal = _waiting(proposal_id)
    agent = agents.create_agent(
        strategy=proposal.strategy,
        timeframe=proposal.timeframe,
        instruments=proposal.instruments,
        parameters=proposal.parameters,
        agent_id=derived_id("proposal", proposal_id),
        actor=actor,
        moment=moment,
    )
    return _decide(proposal, ProposalState.ADOPTED, actor, reason, moment, agent_id=UUID(agent["id"]))


@transaction.atomic
def decline_proposal(*, proposal_id: UUID, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """Put it aside; its view. Raises ``NotFound``, ``Conflict`` where it was decided, ``Refused`` without a reason."""
    return _decide(_waiting(proposal_id), ProposalState.DECLINED, actor, required_reason(reason), moment)


def _waiting(proposal_id: UUID) -> AgentProposal:
    proposal = AgentProposal.objects.select_for_update().filter(pk=proposal_id).first()
    if proposal is None:
        raise NotFound(f"There is no proposal {proposal_id}.", code="unknown_proposal")
    if proposal.state != ProposalState.WAITING:
        raise Conflict(f"It was {proposal.state} by {proposal.decided_by} already.", code="proposal_decided")
    return proposal


def _decide(
    proposal: AgentProposal, state: str, actor: str, reason: str, moment: Moment, *, agent_id: UUID | None = None
) -> dict[str, Any]:
    proposal.state, proposal.agent_id = state, agent_id
    proposal.decided_by, proposal.decided_at, proposal.decision_reason = actor, moment.wall, reason
    proposal.save(update_fields=["state", "agent_id", "decided_by", "decided_at", "decision_reason"])
    clear_incident(kind=WAITS, subject=str(proposal.pk), reason=f"It was {state} by {actor}.", moment=moment)
    audit.append(
        chain=audit.OPERATIONS,
        action=f"bridge.proposal_{state}",
        actor=actor,
        subject=f"proposal:{proposal.pk}",
        payload={"sender": proposal.sender, "agent_id": str(agent_id or ""), "reason": reason},
        moment=moment,
    )
    return proposal_view(proposal)
