"""A real supervisor in a folder of its own, with nothing in it yet but what a test puts there."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from apps.management.adapters.process_runtime import ProcessRuntime
from apps.management.adapters.supervised_programs import SupervisedProgram, SupervisorFolder
from apps.management.adapters.supervisor_control import SupervisorControl, control_socket
from tradinghq.supervision.leftovers import SUPERVISOR, end_leftovers, record
from tradinghq.supervision.supervisor_files import supervisor_command, write_configuration

ROOT = Path(__file__).resolve().parents[2]


class RunningSupervisor:
    """Its folder, its control and a process runtime on top of it."""

    def __init__(self, home: Path, groups: dict[str, list[SupervisedProgram]]):
        self.folder = SupervisorFolder(home)
        write_configuration(self.folder, groups)
        self.process = subprocess.Popen(supervisor_command(self.folder), cwd=self.folder.root, start_new_session=True)
        record(self.folder, SUPERVISOR, psutil.Process(self.process.pid))
        self.control = SupervisorControl(control_socket(home))
        self.runtime = ProcessRuntime(self.folder, self.control, ROOT)
        until(self.control.is_up, "the supervisor to answer")

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        end_leftovers(self.folder)


@contextmanager
def running_supervisor(**groups: list[SupervisedProgram]) -> Iterator[RunningSupervisor]:
    home = Path(tempfile.mkdtemp(prefix="hq-sup-"))
    supervisor = RunningSupervisor(home, groups)
    try:
        yield supervisor
    finally:
        supervisor.end()
        shutil.rmtree(home)


def until(check, what: str, seconds: float = 30):
    """Poll ``check`` until it is truthy, and return what it said."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"Waited {seconds} s for {what}.")
