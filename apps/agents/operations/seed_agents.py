"""The first four agents of a new firm."""

from apps.agents.models import Agent, AgentOrigin, ConsensusPolicy
from apps.agents.operations.create_agent import create_agent
from apps.foundation.clock import Moment
from apps.foundation.identifiers import derived_id

FIRST_STRATEGIES = ("momentum", "mean_reversion", "breakout", "arbitrage")
SEEDER = "first start"


def seed_agents(*, moment: Moment) -> int:
    """Create the four agents and the consensus policy, once in a firm's life; how many agents were created.

    A firm that has or had any agent keeps what it has: an agent that a person destroyed does not come back.
    """
    ConsensusPolicy.objects.get_or_create(
        version=1, defaults={"author": SEEDER, "reason": "The published defaults.", "at": moment.wall}
    )
    seeds = {derived_id("first agent", strategy): strategy for strategy in FIRST_STRATEGIES}
    if Agent.objects.exclude(pk__in=seeds).exists():
        return 0
    there = set(Agent.objects.filter(pk__in=seeds).values_list("pk", flat=True))
    for agent_id, strategy in seeds.items():
        if agent_id not in there:
            create_agent(
                strategy=strategy, actor=SEEDER, moment=moment, agent_id=agent_id, origin=AgentOrigin.FIRST_START
            )
    return len(seeds) - len(there)
