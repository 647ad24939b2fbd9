"""Tasks of the fleet queue: the only place that starts and stops containers, and scales by itself."""

from celery import Task, shared_task

from apps.foundation.lease import this_house
from apps.management import operations as management
from apps.management.wiring import fleet_budget, inference_programs, research_programs, runtime
from apps.market.queries import current_moment


@shared_task(name="workers.fleet.converge")
def converge() -> None:
    """Make what runs what is wanted."""
    management.converge_fleet(runtime=runtime(), moment=current_moment())


@shared_task(name="workers.fleet.stand_down", base=Task)  # it is the house that stands by that must do it
def stand_down() -> None:
    """Another house leads: stop what runs here."""
    management.stand_down(runtime=runtime(), house=this_house())


@shared_task(name="workers.fleet.keep_inference")
def keep_inference() -> None:
    """Let inference workers run while an agent needs one."""
    management.keep_inference(programs=inference_programs())


@shared_task(name="workers.fleet.watch_health")
def watch_health() -> None:
    """Look at agents and processes; open and close incidents."""
    management.watch_health(runtime=runtime(), moment=current_moment())


@shared_task(name="workers.fleet.start_research_worker", base=Task)  # a house that stands by does research, too
def start_research_worker() -> None:
    """Somebody asked for research: see that a worker of this house runs."""
    management.start_research_worker(programs=research_programs())


@shared_task(name="workers.fleet.autoscale")
def autoscale() -> None:
    """Decide whether the fleet grows, shrinks or stays, where a person switched that on."""
    management.autoscale(budget=fleet_budget(), moment=current_moment())
