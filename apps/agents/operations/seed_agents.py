"""The first agents of a new firm: four by rules, and one by a trained model where that is wanted."""

from apps.agents.models import Agent, AgentOrigin, ConsensusPolicy
from apps.agents.operations.create_agent import create_agent
from apps.agents.operations.register_model import register_shipped_model
from apps.foundation.clock import Moment
from apps.foundation.identifiers import derived_id

FIRST_STRATEGIES = ("momentum", "mean_reversion", "breakout", "arbitrage")
BY_MODEL = "neural"
SEEDER = "first start"


def seed_agents(*, moment: Moment, neural: bool = False) -> int:
    """Create the four agents (five with ``neural``) and the consensus policy, each once in a firm's life, and register
    the model that comes with the package; how many agents were created.

    A firm that has or had any agent keeps what it has: an agent that a person destroyed does not come back.
    """
    ConsensusPolicy.objects.get_or_create(
        version=1, defaults={"author": SEEDER, "reason": "The published defaults.", "at": moment.wall}
    )
    register_shipped_model(moment=moment)
    wanted = (*FIRST_STRATEGIES, BY_MODEL) if neural else FIRST_STRATEGIES
    seeds = {derived_id("first agent", strategy): strategy for strategy in wanted}
    first = {derived_id("first agent", strategy) for strategy in (*FIRST_STRATEGIES, BY_MODEL)}
    if Agent.objects.exclude(pk__in=first).exists():
        return 0
    there = set(Agent.objects.filter(pk__in=seeds).values_list("pk", flat=True))
    for agent_id, strategy in seeds.items():
        if agent_id not in there:
            create_agent(
                strategy=strategy, actor=SEEDER, moment=moment, agent_id=agent_id, origin=AgentOrigin.FIRST_START
            )
    return len(seeds) - len(there)
