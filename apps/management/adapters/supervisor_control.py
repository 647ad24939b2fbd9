"""The supervisor's XML-RPC over its unix socket."""

import hashlib
import http.client
import os
import socket
import tempfile
import xmlrpc.client
from pathlib import Path
from typing import Any

from apps.foundation.errors import NotReady

LONGEST_SOCKET_PATH = 90  # the kernel takes 107 characters, the supervisor first binds a longer temporary name
TIMEOUT_SECONDS = 20.0
ENDING = "supervisor_ending"  # the code of ``NotReady`` from a supervisor that was told to end
SHUTTING_DOWN = 6
BAD_NAME = 10
ALREADY_STARTED = 60
ALREADY_ADDED = 90
NOT_RUNNING = 70


def control_socket(home: Path) -> Path:
    """Where the supervisor of ``home`` listens; in the temporary folder when the path under ``home`` is too long."""
    path = home / "supervisor" / "control.sock"
    if len(str(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"tradinghq-{os.getuid()}" / f"{digest}.sock"


class SupervisorControl:
    """Calls on one supervisor. Raises ``NotReady`` when it does not answer or ends, ``xmlrpc.client.Fault`` when it
    refuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def call(self, method: str, *arguments: Any) -> Any:
        """One call of the ``supervisor`` namespace, such as ``startProcess``."""
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(self._path), allow_none=True)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise NotReady(f"The supervisor does not answer: {error}.", code="supervisor_away") from error
        except xmlrpc.client.Fault as error:
            if error.faultCode != SHUTTING_DOWN:
                raise
            raise NotReady("The supervisor is ending.", code=ENDING) from error

    def processes(self) -> list[dict[str, Any]]:
        """All processes with name, group, statename, pid, start, stop, exitstatus, spawnerr."""
        return list(self.call("getAllProcessInfo"))

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self.call("getState")["statename"] == "RUNNING")
        except NotReady:
            return False


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_SECONDS)
        self.sock.connect(str(self._path))


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # noqa: ARG002
        return _UnixConnection(self._path)
