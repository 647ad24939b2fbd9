"""What every change of an agent leaves behind: an event for the screens, a hint for the fleet, an audit entry."""

from collections.abc import Sequence
from typing import Any

from apps.agents.models import Agent
from apps.foundation import after_commit, audit, outbox
from apps.foundation.clock import Moment

CONVERGE = "workers.fleet.converge"
FLEET_QUEUE = "fleet"
HINT_SECONDS = 60


def tell_agent_change(*, agent: Agent, action: str, actor: str, payload: dict[str, Any], moment: Moment) -> None:
    """Record one act on ``agent`` within the running transaction; see ``tell_agent_changes``."""
    tell_agent_changes([(agent, action, payload)], actor=actor, moment=moment)


def tell_agent_changes(acts: Sequence[tuple[Agent, str, dict[str, Any]]], *, actor: str, moment: Moment) -> None:
    """Record acts (agent, what was done, facts) within the running transaction, with one hint for the fleet.

    The audit entries come last since they lock their chain.
    """
    if not acts:
        return
    ids = {str(agent.pk): None for agent, _, _ in acts}
    outbox.record_events(outbox.NewEvent("agent.changed", f"agent:{pk}", {"agent_id": pk}) for pk in ids)
    after_commit.enqueue(CONVERGE, queue=FLEET_QUEUE, expires=HINT_SECONDS)
    audit.append_entries(
        [
            audit.NewEntry(audit.OPERATIONS, action, actor, f"agent:{agent.pk}", payload)
            for agent, action, payload in acts
        ],
        moment=moment,
    )
