"""Processes that a killed supervisor left behind: found by process id and start time, ended in order."""

import json
import signal
from pathlib import Path

import psutil

from apps.management.adapters.supervised_programs import SupervisorFolder
from tradinghq.supervision.house_programs import POSTGRES, REDIS

SUPERVISOR = "supervisord"
SAME_START_SECONDS = 1.0
SUPERVISOR_PATIENCE = 40.0
PATIENCE = 15.0


def record(folder: SupervisorFolder, name: str, process: psutil.Process) -> None:
    """Write down a process that we started, as the launcher does for the supervisor's programs."""
    folder.records.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"pid": process.pid, "started": process.create_time()})
    (folder.records / f"{name}.json").write_text(text)


def end_leftovers(folder: SupervisorFolder) -> list[str]:
    """End every recorded process that still runs; their names.

    The supervisor first: it would start the others anew. The servers last: what works on them ends in order while they
    answer.
    """
    ended = []
    for belongs, number, patience in (
        (_is_supervisor, signal.SIGTERM, SUPERVISOR_PATIENCE),
        (_is_program, signal.SIGTERM, PATIENCE),
        (_is_server, signal.SIGINT, PATIENCE),  # at SIGTERM PostgreSQL would wait for sessions that nobody ends
    ):
        found = [(path, process) for path, process in _running(folder) if belongs(path)]
        ended += [path.stem for path, _ in found]
        _end([process for _, process in found], number, patience)
    if folder.records.is_dir():
        for path in folder.records.glob("*.json"):
            path.unlink()
    return ended


def _is_supervisor(path: Path) -> bool:
    return path.stem == SUPERVISOR


def _is_server(path: Path) -> bool:
    return path.stem in {POSTGRES, REDIS}


def _is_program(path: Path) -> bool:
    return not _is_supervisor(path) and not _is_server(path)


def _running(folder: SupervisorFolder) -> list[tuple[Path, psutil.Process]]:
    found = []
    for path in sorted(folder.records.glob("*.json")):
        written = json.loads(path.read_text())
        try:
            process = psutil.Process(written["pid"])
            same = abs(process.create_time() - written["started"]) < SAME_START_SECONDS
        except psutil.NoSuchProcess:
            continue
        if same and process.status() != psutil.STATUS_ZOMBIE:
            found.append((path, process))
    return found


def _end(processes: list[psutil.Process], number: signal.Signals, patience: float) -> None:
    for process in processes:
        _signal(process, number)
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=PATIENCE)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
