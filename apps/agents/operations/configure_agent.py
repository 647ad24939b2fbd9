"""Change an agent's settings; the fleet restarts its process with them."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.agents.models import Agent, DesiredState
from apps.agents.operations.check_agent_settings import (
    check_instruments,
    check_resources,
    check_strategy,
    check_timeframe,
)
from apps.agents.operations.promotion.end_promotion import back_to_research
from apps.agents.operations.tell_agent_change import tell_agent_change
from apps.agents.queries.agent_cards import agent_card
from apps.agents.queries.find_agent import found_agent
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused

SHOWN_WITH = ("instruments", "timeframe", "parameters")  # with other ones an agent has shown nothing yet
CHANGEABLE = ("instruments", "timeframe", "parameters", "resources", "may_veto")


def configure_agent(*, agent_id: UUID, changes: dict[str, Any], actor: str, moment: Moment) -> dict[str, Any]:
    """The agent's card after ``changes`` (of instruments, timeframe, parameters, resources, may_veto).

    With other instruments, timeframe or parameters its record begins anew, and a candidate is back on research.

    Raises ``NotFound``, ``Refused`` naming the field, ``Conflict`` for a destroyed agent.
    """
    unknown = sorted(set(changes) - set(CHANGEABLE))
    if unknown:
        raise Refused(
            f"{unknown[0]} can't be changed; these can: {', '.join(CHANGEABLE)}.",
            code="not_changeable",
            field=unknown[0],
        )
    agent = found_agent(agent_id)
    checked = _checked(agent, changes)
    if not checked:
        return agent_card(agent_id)
    with transaction.atomic():
        if other := [name for name in SHOWN_WITH if name in checked]:
            back_to_research(agent, actor=actor, changed=", ".join(other), moment=moment)
        anew = {"record_since": moment.firm} if other else {}
        alive = Agent.objects.filter(pk=agent_id).exclude(desired_state=DesiredState.DESTROYED)
        if not alive.update(**checked, **anew, changed_at=moment.wall):
            raise Conflict(f"{agent.name} was destroyed; create another agent.", code="agent_destroyed")
        tell_agent_change(agent=agent, action="agent.configured", actor=actor, payload=dict(checked), moment=moment)
    return agent_card(agent_id)


def _checked(agent: Agent, changes: dict[str, Any]) -> dict[str, Any]:
    checked = dict(changes)
    if "parameters" in changes:
        check_strategy(agent.strategy, changes["parameters"])
    if "instruments" in changes:
        checked["instruments"] = check_instruments(changes["instruments"])
    if "timeframe" in changes:
        check_timeframe(changes["timeframe"])
    if "resources" in changes:
        checked["resources"] = check_resources(agent.resources | changes["resources"])
    return {name: value for name, value in checked.items() if getattr(agent, name) != value}
