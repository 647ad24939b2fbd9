"""What every change of an agent leaves behind: an event for the screens, a hint for the fleet, an audit entry."""

from typing import Any

from apps.agents.models import Agent
from apps.foundation import after_commit, audit, outbox
from apps.foundation.clock import Moment

CONVERGE = "workers.fleet.converge"
FLEET_QUEUE = "fleet"
HINT_SECONDS = 60


def tell_agent_change(*, agent: Agent, action: str, actor: str, payload: dict[str, Any], moment: Moment) -> None:
    """Record one act on ``agent`` within the running transaction; the audit entry comes last since it locks its
    chain.
    """
    outbox.record_event(kind="agent.changed", aggregate=f"agent:{agent.pk}", payload={"agent_id": str(agent.pk)})
    after_commit.enqueue(CONVERGE, queue=FLEET_QUEUE, expires=HINT_SECONDS)
    audit.append(
        chain=audit.OPERATIONS, action=action, actor=actor, subject=f"agent:{agent.pk}", payload=payload, moment=moment
    )
