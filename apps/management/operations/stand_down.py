"""A house that another one leads instead of runs no agents: what it started while it led is stopped."""

import structlog

from apps.foundation import lease
from apps.foundation.errors import Refused
from apps.foundation.lease import House
from apps.management.ports import Runtime

STAND_DOWN = "workers.fleet.stand_down"
log = structlog.get_logger(__name__)


def stand_down(*, runtime: Runtime, house: House) -> tuple[str, ...]:
    """Stop every agent's container of this house while another one leads for sure; the names of those that were.

    A lease that has merely ended stops nothing: this house may be the next to take it. Raises ``NotReady`` when the
    runtime does not answer; the next look begins anew.
    """
    if not any(one.alive and one.house != house.key for one in lease.observe()):
        return ()
    stopped = []
    for one in runtime.observe():
        try:
            runtime.stop(one.name)
        except Refused as refused:
            log.warning("agent_not_stopped", container=one.name, reason=refused.message)  # asked again at the next look
        else:
            stopped.append(one.name)
    if stopped:
        log.info("agents_stopped_standing_by", containers=stopped)
    return tuple(stopped)
