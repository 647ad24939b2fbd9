"""The supervisor's configuration: two groups of programs and a place where the fleet adds its agents."""

import os
import shutil
import sys
from pathlib import Path

from apps.management.adapters.supervised_programs import SupervisedProgram, SupervisorFolder, section
from apps.management.adapters.supervisor_control import control_socket
from tradinghq.environment import EnvironmentRefused

STEADY = Path(__file__).with_name("steady_supervisor.py")
_HEAD = """\
[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisord]
nodaemon=true
silent=true
{user}logfile={logs}/supervisor.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile={root}/supervisord.pid
childlogdir={logs}
identifier=tradinghq

[include]
files={agents}/*.conf
"""


def write_configuration(folder: SupervisorFolder, groups: dict[str, list[SupervisedProgram]]) -> None:
    """Write everything the supervisor reads. Agents of an earlier run are forgotten; the fleet adds them again."""
    shutil.rmtree(folder.agents, ignore_errors=True)
    for path in (folder.agents, folder.programs, folder.records, folder.logs):
        path.mkdir(parents=True, exist_ok=True)
    folder.root.chmod(0o700)
    socket = control_socket(folder.home)
    _private_folder(socket.parent)
    parts = [_head(folder, socket)]
    for number, (name, programs) in enumerate(groups.items(), start=1):
        if programs:
            members = ",".join(program.name for program in programs)
            parts.append(f"[group:{name}]\nprograms={members}\npriority={number * 100}\n")
            parts += [section(folder, program) for program in programs]
    folder.configuration.write_text("\n".join(parts))


def supervisor_command(folder: SupervisorFolder) -> list[str]:
    """The supervisor in the foreground."""
    return [sys.executable, "-I", str(STEADY), "--nodaemon", "--configuration", str(folder.configuration)]


def _head(folder: SupervisorFolder, socket: Path) -> str:
    values = {name: str(path).replace("%", "%%") for name, path in _paths(folder, socket).items()}
    return _HEAD.format(user="user=root\n" if os.geteuid() == 0 else "", **values)


def _paths(folder: SupervisorFolder, socket: Path) -> dict[str, Path]:
    return {"socket": socket, "logs": folder.logs, "root": folder.root, "agents": folder.agents}


def _private_folder(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = path.stat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise EnvironmentRefused(f"{path} must belong to this user alone (mode 0700). Remove it and start again.")
