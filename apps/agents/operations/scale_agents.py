"""Create, start and drain several agents in one transaction: all of it or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.agents.models import Agent, AgentKind, DesiredState, VoteCursor, locking
from apps.agents.operations.check_agent_settings import check_resources, check_strategy, default_timeframe
from apps.agents.operations.create_agent import MOST_AGENTS, free_names
from apps.agents.operations.finish_draining import agents_waited_for
from apps.agents.operations.tell_agent_change import tell_agent_changes
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict
from apps.foundation.identifiers import new_id

STARTABLE = (DesiredState.DRAINING, DesiredState.STOPPED)
Act = tuple[Agent, str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ScaledAgents:
    """What became of it: the new agents as (id, name, strategy) in the order asked, and by id how each drained one
    stands: ``draining`` or ``stopped``.
    """

    created: tuple[tuple[UUID, str, str], ...]
    drained: dict[UUID, str]


@transaction.atomic
def scale_agents(
    *,
    create: Sequence[str],
    start: Mapping[UUID, str],
    drain: Mapping[UUID, str],
    origin: str,
    actor: str,
    moment: Moment,
) -> ScaledAgents:
    """Create one agent for each strategy in ``create``, start those in ``start`` and drain those in ``drain`` (by id,
    with the reason).

    A drained agent is asked in no new round; it stops at once, or when the open rounds that wait for its vote are
    closed. Raises ``Refused`` for an unknown strategy, ``Conflict`` where an agent is no longer what the plan took it
    for or there would be too many; then nothing has changed.
    """
    locking.take(locking.OPENING)  # no round may ask an agent while it is being drained
    locking.take(locking.CREATING)
    found = Agent.objects.select_for_update().filter(pk__in=[*start, *drain]).order_by("pk")
    rows = {agent.pk: agent for agent in found}
    created = _create(create, origin, moment)
    acts = [(agent, "agent.created", _facts(agent)) for agent in created]
    acts += [_start(rows.get(pk), reason, moment) for pk, reason in start.items()]
    waited_for = agents_waited_for() if drain else set()
    acts += [_drain(rows.get(pk), reason, pk in waited_for, moment) for pk, reason in drain.items()]
    tell_agent_changes(acts, actor=actor, moment=moment)
    return ScaledAgents(
        tuple((agent.pk, agent.name, agent.strategy) for agent in created),
        {pk: rows[pk].desired_state for pk in drain},
    )


def _create(strategies: Sequence[str], origin: str, moment: Moment) -> list[Agent]:
    alive = Agent.objects.exclude(desired_state=DesiredState.DESTROYED).count() if strategies else 0
    if alive + len(strategies) > MOST_AGENTS:
        raise Conflict(
            f"There are {alive} agents, stopped ones included, and there may be {MOST_AGENTS}; destroy some first.",
            code="too_many_agents",
        )
    for strategy in dict.fromkeys(strategies):
        check_strategy(strategy, {})
    timeframes = {strategy: default_timeframe(strategy) for strategy in dict.fromkeys(strategies)}
    names = {strategy: free_names(strategy) for strategy in timeframes}
    agents = [
        Agent(
            id=new_id(),
            name=next(names[strategy]),
            type=AgentKind.TRADING_AGENT,
            strategy=strategy,
            timeframe=timeframes[strategy],
            resources=check_resources({}),
            origin=origin,
            created_at=moment.wall,
            changed_at=moment.wall,
        )
        for strategy in strategies
    ]
    Agent.objects.bulk_create(agents)
    VoteCursor.objects.bulk_create(VoteCursor(agent=agent) for agent in agents)
    return agents


def _start(agent: Agent | None, reason: str, moment: Moment) -> Act:
    changed = _changed(agent, STARTABLE, DesiredState.RUNNING, "", moment)
    return changed, "agent.started", {"name": changed.name, "reason": reason}


def _drain(agent: Agent | None, reason: str, waited_for: bool, moment: Moment) -> Act:
    wanted = DesiredState.DRAINING if waited_for else DesiredState.STOPPED
    changed = _changed(agent, (DesiredState.RUNNING,), wanted, reason, moment)
    action = "agent.draining" if waited_for else "agent.drained"
    return changed, action, {"name": changed.name, "reason": reason}


def _changed(agent: Agent | None, before: Sequence[str], wanted: str, drain_reason: str, moment: Moment) -> Agent:
    if agent is None or agent.desired_state not in before:
        name = agent.name if agent else "An agent of the plan"
        raise Conflict(
            f"{name} was changed by somebody else meanwhile; ask again for a new plan.", code="agent_changed"
        )
    agent.desired_state, agent.drain_reason, agent.changed_at = wanted, drain_reason, moment.wall
    agent.save(update_fields=["desired_state", "drain_reason", "changed_at"])
    return agent


def _facts(agent: Agent) -> dict[str, Any]:
    return {
        "name": agent.name,
        "strategy": agent.strategy,
        "timeframe": agent.timeframe,
        "instruments": agent.instruments,
        "origin": agent.origin,
    }
