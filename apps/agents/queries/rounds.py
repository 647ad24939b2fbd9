"""Where the rounds of a bar stand; the market's clock waits for them in lock-step."""

from datetime import datetime

from apps.agents.models import Agent, DecisionRound, DesiredState, RoundState
from apps.market.domain import timeframes


def rounds_opened(bar_at: datetime) -> bool:
    """Whether the agents were asked about this bar, or none of them is due at it."""
    if DecisionRound.objects.filter(closed_at=bar_at).exists():
        return True
    wanted = Agent.objects.filter(desired_state=DesiredState.RUNNING).values_list("timeframe", flat=True).distinct()
    return not any(timeframes.is_boundary(bar_at, timeframe) for timeframe in wanted)


def rounds_settled(bar_at: datetime) -> bool:
    """Whether every round up to this bar is closed and this bar's were opened."""
    waiting = DecisionRound.objects.filter(state=RoundState.OPEN, closed_at__lte=bar_at)
    return rounds_opened(bar_at) and not waiting.exists()


def open_rounds_count() -> int:
    """How many rounds wait for votes."""
    return DecisionRound.objects.filter(state=RoundState.OPEN).count()


def voters_of(row: DecisionRound) -> int:
    """Of how many a quorum is asked: all who subscribed, the warming ones too, since it is not reached by being early.
    Neither benched agents nor canaries are counted: a candidate that seldom speaks must not silence the others.
    """
    return sum(1 for entry in row.asked if not entry["benched_reason"] and not entry.get("canary")) + len(row.absent)
