"""How many candles an agent's strategy takes."""

from apps.agents.domain.strategies.parameter_values import ParameterError
from apps.agents.domain.strategies.registry import UnknownStrategyError, build_strategy
from apps.agents.models import Agent


def needs_bars(agent: Agent) -> int | None:
    """Closed candles that a vote of this agent takes; None where its strategy is gone or refuses its numbers."""
    try:
        return build_strategy(agent.strategy, agent.parameters).needs_bars
    except (UnknownStrategyError, ParameterError):
        return None
