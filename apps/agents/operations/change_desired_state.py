"""Start, stop or destroy an agent: the wish is stored here, the fleet makes it true."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.agents.models import Agent, DesiredState
from apps.agents.operations.promotion.end_promotion import end_with_agent
from apps.agents.operations.tell_agent_change import tell_agent_change
from apps.agents.queries.agent_cards import agent_card
from apps.agents.queries.find_agent import found_agent
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict


def start_agent(*, agent_id: UUID, actor: str, moment: Moment) -> dict[str, Any]:
    """Let the agent run and vote, also one that drains. A running one is left alone; a destroyed one is a
    ``Conflict``.
    """
    return _change(agent_id, DesiredState.RUNNING, "agent.started", actor, moment)


def stop_agent(*, agent_id: UUID, actor: str, moment: Moment) -> dict[str, Any]:
    """End the agent's process and ask it no more; its record stays and it can be started again."""
    return _change(agent_id, DesiredState.STOPPED, "agent.stopped", actor, moment)


def destroy_agent(*, agent_id: UUID, actor: str, moment: Moment) -> dict[str, Any]:
    """End the agent for good. Its votes and scores stay readable; destroying it again changes nothing."""
    return _change(agent_id, DesiredState.DESTROYED, "agent.destroyed", actor, moment)


def _change(agent_id: UUID, wanted: str, action: str, actor: str, moment: Moment) -> dict[str, Any]:
    agent = found_agent(agent_id)
    with transaction.atomic():
        others = Agent.objects.filter(pk=agent_id).exclude(desired_state__in=[wanted, DesiredState.DESTROYED])
        if others.update(desired_state=wanted, drain_reason="", changed_at=moment.wall):
            tell_agent_change(agent=agent, action=action, actor=actor, payload={"name": agent.name}, moment=moment)
            if wanted == DesiredState.DESTROYED:
                end_with_agent(agent, actor=actor, moment=moment)
        elif wanted != DesiredState.DESTROYED and found_agent(agent_id).desired_state == DesiredState.DESTROYED:
            raise Conflict(f"{agent.name} was destroyed; create another agent.", code="agent_destroyed")
    return agent_card(agent_id)
