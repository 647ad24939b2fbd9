"""A program that the supervisor knows and does not start by itself."""

import xmlrpc.client

from apps.foundation.errors import NotReady
from apps.management.adapters.supervisor_control import ALREADY_STARTED, BAD_NAME, SupervisorControl


class OnDemandSupervised:
    """``name`` is the program's group and name, such as ``research:research``."""

    def __init__(self, control: SupervisorControl, name: str) -> None:
        self._control = control
        self._name = name

    def start(self) -> bool:
        """Start it unless it runs; False where no supervisor of ours answers or it has no such program."""
        try:
            self._control.call("startProcess", self._name, False)
        except NotReady:
            return False
        except xmlrpc.client.Fault as error:
            if error.faultCode not in {ALREADY_STARTED, BAD_NAME}:
                raise
            return bool(error.faultCode == ALREADY_STARTED)
        return True
