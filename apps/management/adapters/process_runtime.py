"""Containers without Docker: the same agents as processes under the house's own supervisor. Limits are not enforced."""

import json
import sys
import xmlrpc.client
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import psutil

from apps.management.adapters.supervised_programs import SupervisedProgram, SupervisorFolder, section
from apps.management.adapters.supervisor_control import ALREADY_ADDED, BAD_NAME, NOT_RUNNING, SupervisorControl
from apps.management.ports import ContainerSpec, ObservedContainer

PREFIX = "agent-"
PRIORITY = 900
SETTLED_SECONDS = 5
ATTEMPTS = 3  # within SETTLED_SECONDS each; then the fleet decides when to try again
STOP_SECONDS = 5
RUNNING = {"RUNNING", "STARTING", "BACKOFF"}


class ProcessRuntime:
    """Agents as programs of the supervisor: one file each in its ``agents`` folder, one group each."""

    name = "process"
    enforces_limits = False
    at_once = 8  # they end side by side; the supervisor's files are changed by one at a time
    image = ""

    def __init__(self, folder: SupervisorFolder, control: SupervisorControl, directory: Path) -> None:
        self._folder = folder
        self._control = control
        self._directory = directory
        self._usage: dict[int, psutil.Process] = {}
        self._changing = Lock()  # the supervisor reads all files when one was added

    def observe(self) -> Sequence[ObservedContainer]:
        """Every program whose file is in the ``agents`` folder; other programs of the supervisor are not ours."""
        found = [info for info in self._control.processes() if self._file(info["name"]).is_file()]
        seen = [self._observed(info) for info in found if info["name"].startswith(PREFIX)]
        alive = {int(one.handle) for one in seen if one.handle}
        self._usage = {pid: process for pid, process in self._usage.items() if pid in alive}
        return seen

    def start(self, spec: ContainerSpec) -> None:
        """Write the program's files and add it; an added one that ended is started again."""
        program = SupervisedProgram(
            name=spec.name,
            argv=(sys.executable, *spec.arguments),
            environment={**spec.environment, **spec.secrets},  # in a file that only this user may read
            directory=self._directory,
            labels={"digest": spec.digest},
            priority=PRIORITY,
            start_at_once=True,
            attempts=ATTEMPTS,
            settled_after=SETTLED_SECONDS,
            stop_seconds=STOP_SECONDS,
        )
        with self._changing:
            self._file(spec.name).write_text(section(self._folder, program))
            self._control.call("reloadConfig")
            if not self._call_unless(ALREADY_ADDED, "addProcessGroup", spec.name):
                self._control.call("startProcess", spec.name, False)

    def stop(self, name: str) -> None:
        """Stop it, take it out of the supervisor, remove its files; its log stays."""
        if self._call_unless(BAD_NAME, "getProcessInfo", name):
            self._call_unless(NOT_RUNNING, "stopProcess", name, True)
            self._call_unless(BAD_NAME, "removeProcessGroup", name)
        with self._changing:
            for file in (self._file(name), self._description(name), self._folder.records / f"{name}.json"):
                file.unlink(missing_ok=True)

    def log_tail(self, name: str, *, size: int) -> str:
        """The end of its log file."""
        log = self._folder.log(name)
        if not log.is_file():
            return ""
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - size))
            return stream.read(size).decode(errors="replace")

    def _observed(self, info: dict[str, Any]) -> ObservedContainer:
        pid = int(info["pid"])
        memory, cpu = self._measure(pid) if pid else (None, None)
        running = info["statename"] in RUNNING
        told = not running and info["stop"] > 0 and not info["spawnerr"]
        return ObservedContainer(
            name=info["name"],
            digest=self._digest(info["name"]),
            running=running,
            handle=str(pid) if pid else "",
            started_at=datetime.fromtimestamp(info["start"], UTC) if info["start"] else None,
            exit_code=info["exitstatus"] if told else None,  # lost when it ended at once or runs again
            detail=_detail(info),
            memory_bytes=memory,
            cpu_percent=cpu,
        )

    def _measure(self, pid: int) -> tuple[int | None, float | None]:
        try:
            process = self._usage.setdefault(pid, psutil.Process(pid))
            return process.memory_info().rss, process.cpu_percent(interval=None)
        except psutil.NoSuchProcess:
            return None, None

    def _digest(self, name: str) -> str:
        file = self._description(name)
        return str(json.loads(file.read_text())["labels"].get("digest", "")) if file.is_file() else ""

    def _call_unless(self, fault: int, method: str, *arguments: Any) -> bool:
        """Whether the call went through; False for the fault that says there is nothing to do."""
        try:
            self._control.call(method, *arguments)
        except xmlrpc.client.Fault as error:
            if error.faultCode != fault:
                raise
            return False
        return True

    def _file(self, name: str) -> Path:
        return self._folder.agents / f"{name}.conf"

    def _description(self, name: str) -> Path:
        return self._folder.programs / f"{name}.json"


def _detail(info: dict[str, Any]) -> str:
    if info["spawnerr"]:
        return str(info["spawnerr"])
    if info["statename"] == "BACKOFF":
        return "It ended right after its start and is tried again."
    if info["statename"] in RUNNING:
        return ""
    return "It was killed by a signal." if info["exitstatus"] == -1 else f"It ended with status {info['exitstatus']}."
