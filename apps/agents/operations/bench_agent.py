"""Let an agent's votes count no more until its record is good again."""

from uuid import UUID

from django.db import transaction

from apps.agents.models import Agent, DesiredState
from apps.agents.operations.tell_agent_change import tell_agent_change
from apps.agents.queries.find_agent import found_agent
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict


def bench_agent(*, agent_id: UUID, reason: str, actor: str, moment: Moment) -> None:
    """Bench a running agent; one that is benched keeps its first reason. It votes on, unheard, and the scoreboard lets
    it return when its record allows.

    Raises ``NotFound``, ``Conflict`` where it does not run.
    """
    agent = found_agent(agent_id)
    with transaction.atomic():
        running = Agent.objects.filter(pk=agent_id, desired_state=DesiredState.RUNNING)
        if running.filter(benched_reason="").update(benched_reason=reason, changed_at=moment.wall):
            tell_agent_change(
                agent=agent, action="agent.benched", actor=actor, payload={"reason": reason}, moment=moment
            )
        elif not running.exists():
            raise Conflict(f"{agent.name} does not run.", code="agent_not_running")
