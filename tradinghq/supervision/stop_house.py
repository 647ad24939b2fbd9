"""Stops everything in order: agents and our processes side by side, the servers after them, the supervisor last."""

import time
from collections.abc import Callable

from apps.foundation.errors import NotReady
from apps.management.adapters.supervisor_control import SupervisorControl
from tradinghq.supervision.house_programs import SERVERS

STOPPED = {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}
PHASE_SECONDS = 30.0
POLL_SECONDS = 0.1


def stop_programs(control: SupervisorControl, *, before_servers: Callable[[], None] = lambda: None) -> None:
    """Stop phase by phase. The supervisor kills what outlives its own time.

    ``before_servers`` ends what works on the servers and is none of the supervisor's.
    """
    try:
        _stop(control, lambda group: group != SERVERS)
        before_servers()
        _stop(control, lambda group: group == SERVERS)
        control.call("shutdown")
    except NotReady:
        return  # the supervisor has gone; the caller waits for it and ends what it left


def _stop(control: SupervisorControl, is_member: Callable[[str], bool]) -> None:
    for group in sorted({process["group"] for process in control.processes() if is_member(process["group"])}):
        control.call("stopProcessGroup", group, False)
    deadline = time.monotonic() + PHASE_SECONDS
    while time.monotonic() < deadline:
        states = [process["statename"] for process in control.processes() if is_member(process["group"])]
        if all(state in STOPPED for state in states):
            return
        time.sleep(POLL_SECONDS)
