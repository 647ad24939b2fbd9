"""Tasks of the fleet queue: the only place that starts and stops containers, and scales by itself."""

from celery import shared_task

from apps.management import operations as management
from apps.management.wiring import fleet_budget, runtime
from apps.market.queries import current_moment


@shared_task(name="workers.fleet.converge")
def converge() -> None:
    """Make what runs what is wanted."""
    management.converge_fleet(runtime=runtime(), moment=current_moment())


@shared_task(name="workers.fleet.watch_health")
def watch_health() -> None:
    """Look at agents and processes; open and close incidents."""
    management.watch_health(runtime=runtime(), moment=current_moment())


@shared_task(name="workers.fleet.autoscale")
def autoscale() -> None:
    """Decide whether the fleet grows, shrinks or stays, where a person switched that on."""
    management.autoscale(budget=fleet_budget(), moment=current_moment())
