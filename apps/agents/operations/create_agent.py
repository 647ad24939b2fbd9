"""Create an agent; the fleet starts its process."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.agents.models import Agent, AgentKind, AgentOrigin, DesiredState, VoteCursor, locking
from apps.agents.operations.check_agent_settings import (
    check_instruments,
    check_resources,
    check_strategy,
    check_timeframe,
    check_type,
    default_timeframe,
)
from apps.agents.operations.tell_agent_change import tell_agent_change
from apps.agents.queries.agent_cards import agent_card
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict
from apps.foundation.identifiers import new_id

MOST_AGENTS = 500


def create_agent(
    *,
    strategy: str,
    actor: str,
    moment: Moment,
    type: str = AgentKind.TRADING_AGENT,  # noqa: A002 - the API's own word
    resources: Mapping[str, Any] | None = None,
    instruments: Sequence[str] = (),
    timeframe: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    agent_id: UUID | None = None,
    origin: str = AgentOrigin.PERSON,
) -> dict[str, Any]:
    """The new agent's card. Without instruments it follows the watch list, without a timeframe its strategy's own.

    Raises ``Refused`` naming the field, ``Conflict`` (code ``too_many_agents``) where there are as many as can be.
    """
    check_type(type)
    check_strategy(strategy, parameters or {})
    agent = Agent(
        id=agent_id or new_id(),
        type=type,
        strategy=strategy,
        instruments=check_instruments(instruments),
        timeframe=check_timeframe(timeframe) if timeframe else default_timeframe(strategy),
        parameters=dict(parameters or {}),
        resources=check_resources(resources or {}),
        desired_state=DesiredState.RUNNING,
        origin=origin,
        created_at=moment.wall,
        changed_at=moment.wall,
    )
    with transaction.atomic():
        locking.take(locking.CREATING)
        if Agent.objects.exclude(desired_state=DesiredState.DESTROYED).count() >= MOST_AGENTS:
            raise Conflict(f"There are {MOST_AGENTS} agents already; destroy one first.", code="too_many_agents")
        agent.name = next(free_names(strategy))
        agent.save(force_insert=True)
        VoteCursor.objects.create(agent=agent)
        payload = {
            "name": agent.name,
            "strategy": strategy,
            "timeframe": agent.timeframe,
            "instruments": agent.instruments,
        }
        tell_agent_change(agent=agent, action="agent.created", actor=actor, payload=payload, moment=moment)
    return agent_card(agent.pk)


def free_names(strategy: str) -> Iterator[str]:
    """Names that no agent has or had, by number. The caller holds the lock of creating."""
    stem = strategy.replace("_", "-")
    taken = set(Agent.objects.filter(name__startswith=f"{stem}-").values_list("name", flat=True))
    names = (f"{stem}-{number}" for number in count(1))
    return (name for name in names if name not in taken)
