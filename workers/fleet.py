"""Tasks of the fleet queue: the only place that starts and stops containers."""

from celery import shared_task

from apps.management import operations as management
from apps.management.wiring import runtime
from apps.market.queries import current_moment


@shared_task(name="workers.fleet.converge")
def converge() -> None:
    """Make what runs what is wanted."""
    management.converge_fleet(runtime=runtime(), moment=current_moment())


@shared_task(name="workers.fleet.watch_health")
def watch_health() -> None:
    """Look at agents and processes; open and close incidents."""
    management.watch_health(runtime=runtime(), moment=current_moment())
