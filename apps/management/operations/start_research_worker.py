"""Start the research worker, which costs nothing while there is no research and ends by itself afterwards."""

import structlog

from apps.foundation.errors import NotReady
from apps.management.ports import OnDemandPrograms

log = structlog.get_logger(__name__)


def start_research_worker(*, programs: OnDemandPrograms) -> bool:
    """Whether this house has one, which runs now; else a worker that somebody keeps running takes the queue."""
    try:
        known = programs.running()
    except NotReady as away:
        log.warning("research_worker_not_started", reason=away.message)  # asked again while something waits
        return False
    if not known:
        log.info("research_left_to_other_workers")
    for name, runs in sorted(known.items()):
        if not runs:
            programs.start(name)
    return bool(known)
