"""Stops everything in order: agents and our processes side by side, the servers after them, the supervisor last."""

import time
from collections.abc import Callable

from apps.foundation.errors import NotReady
from apps.management.adapters.supervisor_control import SupervisorControl
from tradinghq.supervision.house_programs import SERVERS

STOPPED = {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}
STOPPING = "STOPPING"
PHASE_SECONDS = 30.0
POLL_SECONDS = 0.1


def stop_programs(control: SupervisorControl, *, before_servers: Callable[[], None] = lambda: None) -> bool:
    """Stop phase by phase. The supervisor kills what outlives its own time.

    ``before_servers`` ends what works on the servers and is none of the supervisor's. False where the supervisor ended
    or ends by itself, in the same order if it can: the caller waits for it and ends what it left.
    """
    try:
        _stop(control, lambda group: group != SERVERS)
        before_servers()
        _stop(control, lambda group: group == SERVERS)
        control.call("shutdown")
    except NotReady:
        return False
    return True


def _stop(control: SupervisorControl, is_member: Callable[[str], bool]) -> None:
    deadline = time.monotonic() + PHASE_SECONDS
    while time.monotonic() < deadline:
        left = [one for one in control.processes() if is_member(one["group"]) and one["statename"] not in STOPPED]
        if not left:
            return
        # Again at each look: until its own process has ended the fleet may add an agent.
        for group in sorted({process["group"] for process in left if process["statename"] != STOPPING}):
            control.call("stopProcessGroup", group, False)
        time.sleep(POLL_SECONDS)
