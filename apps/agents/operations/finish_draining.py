"""Stops agents that drain as soon as no open round waits for their vote."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from apps.agents.models import Agent, DecisionRound, DesiredState, RoundState, Vote
from apps.agents.operations.tell_agent_change import tell_agent_changes
from apps.foundation.clock import Moment

DRAINER = "scaling"


def agents_waited_for() -> set[UUID]:
    """The agents whose vote an open round still lacks."""
    rounds = dict(DecisionRound.objects.filter(state=RoundState.OPEN).values_list("pk", "asked"))
    voted = set(Vote.objects.filter(round_id__in=rounds).values_list("round_id", "agent_id"))
    asked = {(pk, UUID(entry["agent_id"])) for pk, entries in rounds.items() for entry in entries}
    return {agent_id for _, agent_id in asked - voted}


def finish_draining(*, moment: Moment) -> int:
    """Stop each draining agent that nothing waits for any more; how many. May run twice and beside itself."""
    if not Agent.objects.filter(desired_state=DesiredState.DRAINING).exists():
        return 0
    with transaction.atomic():
        drained = _through(agents_waited_for())
        ids = [agent.pk for agent in drained]
        Agent.objects.filter(pk__in=ids).update(desired_state=DesiredState.STOPPED, changed_at=moment.wall)
        tell_agent_changes(
            [(agent, "agent.drained", {"name": agent.name, "reason": agent.drain_reason}) for agent in drained],
            actor=DRAINER,
            moment=moment,
        )
    return len(drained)


def _through(waited_for: Collection[UUID]) -> list[Agent]:
    draining = Agent.objects.select_for_update().filter(desired_state=DesiredState.DRAINING).order_by("pk")
    return [agent for agent in draining if agent.pk not in waited_for]
