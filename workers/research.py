"""The task of the research queue. Prefork, so that a time limit works and a strategy can harm its own process only."""

from celery import Task, shared_task
from django.conf import settings

from workers import idle_end, research_limits
from workers.research_try import take_up_next

__all__ = ["idle_end", "research_limits", "take_up"]  # both begin with the worker
FORCE_AFTER = 30.0  # seconds after the limit, for a strategy that catches everything


@shared_task(
    name="workers.research.take_up",
    base=Task,  # research is done by any house; it sends no order
    soft_time_limit=settings.HQ_RESEARCH_SECONDS,
    time_limit=settings.HQ_RESEARCH_SECONDS + FORCE_AFTER,
)
def take_up() -> None:
    """Do the next piece of research that waits, if any."""
    take_up_next()
