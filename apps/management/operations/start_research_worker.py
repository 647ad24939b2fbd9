"""Start the research worker, which costs nothing while there is no research and ends by itself afterwards."""

import structlog

from apps.management.ports import OnDemandProgram

log = structlog.get_logger(__name__)


def start_research_worker(*, worker: OnDemandProgram) -> bool:
    """Whether this house has one, which runs now; else a worker that somebody keeps running takes the queue."""
    started = worker.start()
    if not started:
        log.info("research_left_to_other_workers")
    return started
