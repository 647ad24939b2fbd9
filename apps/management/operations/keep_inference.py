"""Let inference workers run exactly while an agent needs a model's judgement."""

import structlog

from apps.agents.domain.strategies.registry import judges_by_model
from apps.agents.queries import desired_agents
from apps.foundation import beats
from apps.management.ports import OnDemandPrograms
from apps.management.queries.fleet_pause import fleet_is_paused

log = structlog.get_logger(__name__)


def keep_inference(*, programs: OnDemandPrograms) -> tuple[str, ...]:
    """Start or stop the workers of this machine's devices; the names of those it changed.

    Raises ``NotReady`` where no supervisor answers. Without torch there are no programs: the agents abstain and say so.
    """
    needed = any(agent.running and judges_by_model(agent.strategy) for agent in desired_agents())
    wanted = needed and not fleet_is_paused()
    changed = [name for name, runs in sorted(programs.running().items()) if runs != wanted]
    for name in changed:
        log.info("inference_worker", program=name, act="start" if wanted else "stop")
        if wanted:
            programs.start(name)
        else:
            programs.stop(name)
            beats.forget_process(name)
    return tuple(changed)
