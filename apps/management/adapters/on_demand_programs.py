"""Programs that the supervisor knows and does not start by itself, a group of them: which run, start and stop."""

import xmlrpc.client
from pathlib import Path
from typing import Final

from apps.management.adapters.supervisor_control import ALREADY_STARTED, SupervisorControl

RESEARCH: Final = "research"
INFERENCE: Final = "inference"
AT_REST: Final = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})


class OnDemandSupervised:
    """The programs of ``group``, as the house's start wrote them down. ``NotReady`` where the supervisor is silent."""

    def __init__(self, socket: Path, group: str) -> None:
        self._socket, self._group = socket, group
        self._control = SupervisorControl(socket)

    def running(self) -> dict[str, bool]:
        """Every program by name, and whether it runs or starts; none where no supervisor looks after this house."""
        if not self._socket.exists():
            return {}
        found = [one for one in self._control.processes() if one["group"] == self._group]
        return {one["name"]: one["statename"] not in AT_REST for one in found}

    def start(self, name: str) -> None:
        """Start it, without waiting, unless it runs."""
        try:
            self._control.call("startProcess", f"{self._group}:{name}", False)
        except xmlrpc.client.Fault as error:
            if error.faultCode != ALREADY_STARTED:
                raise

    def stop(self, name: str) -> None:
        """Let it finish what it has, and wait for its end."""
        self._control.call("stopProcess", f"{self._group}:{name}", True)
