"""What the supervisor runs, as files: a section of its configuration, and a private file of command and environment."""

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from apps.foundation.private_files import write_private

LAUNCHER = Path(__file__).with_name("launch_program.py")
LOG_BYTES = "10MB"
LOGS_KEPT = 3
FOREVER = 1_000_000


@dataclass(frozen=True, slots=True)
class SupervisedProgram:
    """One program under the supervisor; ``environment`` is all that it gets."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    priority: int = 500
    start_at_once: bool = False
    attempts: int = FOREVER
    settled_after: int = 1
    restarts_always: bool = True  # else only after an end that was none of its own will
    stop_signal: str = "TERM"
    stop_seconds: int = 10
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SupervisorFolder:
    """The supervisor's files under ``HQ_HOME``."""

    home: Path

    @property
    def root(self) -> Path:
        return self.home / "supervisor"

    @property
    def configuration(self) -> Path:
        return self.root / "supervisord.conf"

    @property
    def programs(self) -> Path:
        return self.root / "programs"

    @property
    def agents(self) -> Path:
        return self.root / "agents"

    @property
    def records(self) -> Path:
        return self.root / "running"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    def log(self, name: str) -> Path:
        """Where the output of the program ``name`` goes."""
        return self.logs / f"{name}.log"


def section(folder: SupervisorFolder, program: SupervisedProgram) -> str:
    """The ``[program:...]`` section; writes the program's private file beside it."""
    file = folder.programs / f"{program.name}.json"
    folder.programs.mkdir(parents=True, exist_ok=True)
    write_private(file, json.dumps(_description(folder, program), indent=1))
    command = shlex.join([sys.executable, "-I", str(LAUNCHER), str(file)])
    values = {
        "command": command,
        "priority": program.priority,
        "autostart": _switch(program.start_at_once),
        "autorestart": "true" if program.restarts_always else "unexpected",
        "startsecs": program.settled_after,
        "startretries": program.attempts,
        "stopsignal": program.stop_signal,
        "stopwaitsecs": program.stop_seconds,
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": folder.log(program.name),
        "stdout_logfile_maxbytes": LOG_BYTES,
        "stdout_logfile_backups": LOGS_KEPT,
    }
    lines = [f"[program:{program.name}]", *(f"{name}={_escaped(value)}" for name, value in values.items())]
    return "\n".join(lines) + "\n"


def _description(folder: SupervisorFolder, program: SupervisedProgram) -> dict[str, object]:
    return {
        "argv": list(program.argv),
        "directory": str(program.directory),
        "environment": dict(program.environment),
        "labels": dict(program.labels),
        "record": str(folder.records / f"{program.name}.json"),
    }


def _switch(value: bool) -> str:
    return "true" if value else "false"


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")
