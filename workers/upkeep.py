"""Tasks of the upkeep queue: snapshots, standing checks, forgetting what nobody needs."""

from uuid import UUID

from celery import shared_task

from apps.agents import operations as agents
from apps.management import operations as management
from apps.market.queries import current_moment
from apps.trading import operations as trading
from workers.drills.practice_firm import run_practice_drill


@shared_task(name="workers.upkeep.snapshot_equity")
def snapshot_equity() -> None:
    """Store one point of the equity curve."""
    trading.snapshot_equity(moment=current_moment())


@shared_task(name="workers.upkeep.verify_books")
def verify_books() -> None:
    """Recompute every balance; a difference opens an incident."""
    management.check_books(moment=current_moment())


@shared_task(name="workers.upkeep.verify_audit")
def verify_audit() -> None:
    """Recompute every hash; a broken chain opens an incident."""
    management.check_audit(moment=current_moment())


@shared_task(name="workers.upkeep.tend_research")
def tend_research() -> None:
    """Queue again what lost its worker, and call workers while research waits."""
    agents.tend_research(moment=current_moment())


@shared_task(name="workers.upkeep.prune")
def prune() -> None:
    """Forget what has served its time."""
    management.prune_records(moment=current_moment())


@shared_task(name="workers.upkeep.run_drill")
def run_drill(*, run_id: str) -> None:
    """Play a drill on this practice firm, as somebody asked."""
    run_practice_drill(run_id=UUID(run_id))
