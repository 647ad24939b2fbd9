"""One agent by its identifier."""

from uuid import UUID

from apps.agents.models import Agent
from apps.foundation.errors import NotFound


def found_agent(agent_id: UUID) -> Agent:
    """The agent's row; ``NotFound`` with code ``unknown_agent``."""
    agent = Agent.objects.filter(pk=agent_id).first()
    if agent is None:
        raise NotFound(f"There is no agent {agent_id}.", code="unknown_agent")
    return agent
