"""The inference workers among the supervisor's programs: which there are, which run, start and stop."""

from pathlib import Path
from typing import Final

from apps.management.adapters.supervisor_control import SupervisorControl

GROUP: Final = "inference"
AT_REST: Final = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})


class InferencePrograms:
    """One program a device, as the house's start wrote them down. ``NotReady`` where the supervisor is silent."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._control = SupervisorControl(socket)

    def running(self) -> dict[str, bool]:
        """Every program by name, and whether it runs or starts; none where no supervisor looks after this house."""
        if not self._socket.exists():
            return {}
        found = [one for one in self._control.processes() if one["group"] == GROUP]
        return {one["name"]: one["statename"] not in AT_REST for one in found}

    def start(self, name: str) -> None:
        """Start it; its first sign of life comes once the network is loaded."""
        self._control.call("startProcess", f"{GROUP}:{name}", False)

    def stop(self, name: str) -> None:
        """Let it finish its batch, and wait for its end."""
        self._control.call("stopProcess", f"{GROUP}:{name}", True)
