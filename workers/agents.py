"""Tasks of the agents queue. Each may run twice and beside itself."""

from datetime import datetime

from celery import shared_task

from apps.agents import operations as agents
from apps.market.queries import current_moment


@shared_task(name="workers.agents.open_rounds")
def open_rounds(*, bar_at: str) -> None:
    """Ask the agents about the bar that closed at ``bar_at``."""
    agents.open_rounds(bar_at=datetime.fromisoformat(bar_at), moment=current_moment())


@shared_task(name="workers.agents.close_rounds")
def close_rounds() -> None:
    """Close what is ready, should the vote collector be away."""
    agents.close_ready_rounds(moment=current_moment())


@shared_task(name="workers.agents.score_agents")
def score_agents() -> None:
    """Look at what the price did after the votes, and set the weights."""
    agents.score_agents(moment=current_moment())
