"""Tasks of the agents queue. Each may run twice and beside itself."""

from celery import shared_task

from apps.agents import operations as agents
from apps.market.queries import current_moment


@shared_task(name="workers.agents.score_agents")
def score_agents() -> None:
    """Look at what the price did after the votes, and set the weights."""
    agents.score_agents(moment=current_moment())
