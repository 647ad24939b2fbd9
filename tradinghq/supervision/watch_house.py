"""The foreground of a running house: quiet, says what crashed, stops everything when asked.

A process of its own with few imports, since it lives as long as the house. ``up`` executes it in its own place, so it
is the supervisor's parent: when the supervisor is killed, it executes ``up`` again, which ends the leftovers and
starts anew, as often as it takes. A supervisor that was told to end (SIGINT, SIGTERM) was not killed: the house ends.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from apps.foundation.errors import NotReady
from apps.foundation.metrics_folder import remove_folder
from apps.management.adapters.on_demand_programs import INFERENCE
from apps.management.adapters.supervised_programs import SupervisorFolder
from apps.management.adapters.supervisor_control import ENDING, SupervisorControl, control_socket
from tradinghq import environment as env
from tradinghq.supervision.house_programs import HOUSE, SERVERS
from tradinghq.supervision.leftovers import end_leftovers
from tradinghq.supervision.start_again import start_again
from tradinghq.supervision.stop_house import stop_programs

LOOK_SECONDS = 1.0
REPORT_AGAIN_SECONDS = 30.0
SHUTDOWN_SECONDS = 60.0
LOG_TAIL = 32 * 1024
TROUBLE = {"BACKOFF", "FATAL", "EXITED"}


class HouseWatch:
    """Looks at the supervisor's processes once a second and reports in one line what ended by itself."""

    def __init__(self, home: Path, supervisor: int, manage: str) -> None:
        self._folder = SupervisorFolder(home)
        self._control = SupervisorControl(control_socket(home))
        self._supervisor = supervisor
        self._manage = manage
        self._pids: dict[str, int] = {}
        self._reported: dict[str, float] = {}
        self._status: int | None = None  # the supervisor's, once it has ended
        self._asked_to_stop = False

    def run(self) -> int:
        """Until asked to stop; the exit status."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        while not self._asked_to_stop:
            if not self._supervisor_ended():
                self._look()
            elif self._status == 0:
                self._stop_with_supervisor()
            else:
                self._start_anew()
            time.sleep(LOOK_SECONDS)
        return self._stop()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._say("Still stopping." if self._asked_to_stop else "Stopping: agents, workers, servers.")
        self._asked_to_stop = True

    def _stop_with_supervisor(self) -> None:
        self._say("The supervisor was told to end. Stopping: agents, workers, servers.")
        self._asked_to_stop = True

    def _supervisor_ended(self) -> bool:
        with contextlib.suppress(ChildProcessError):
            pid, status = os.waitpid(self._supervisor, os.WNOHANG)
            if not pid:
                return False
            self._status = os.waitstatus_to_exitcode(status)
        return True

    def _start_anew(self) -> None:
        self._say("The supervisor was killed. Starting the house again.")
        start_again(manage=self._manage)

    def _look(self) -> None:
        try:
            processes = self._control.processes()
        except NotReady as error:
            if error.code == ENDING and not self._asked_to_stop:
                self._stop_with_supervisor()
            return  # else busy or gone; waitpid tells which on the next look
        for process in processes:
            if process["group"] in {HOUSE, INFERENCE, SERVERS}:
                self._compare(process)

    def _compare(self, process: dict[str, Any]) -> None:
        name, pid, state = process["name"], process["pid"], process["statename"]
        before = self._pids.get(name)
        if state in TROUBLE:
            self._report(name, f"{name} ended ({self._cause(name)}) and is started again.")
            self._pids.pop(name, None)
        elif pid:
            if before is not None and before != pid:
                self._report(name, f"{name} ended ({self._cause(name)}) and runs again as process {pid}.")
            self._pids[name] = pid

    def _cause(self, name: str) -> str:
        """How it ended last, from the supervisor's log: a program that runs again has no exit status any more."""
        log = self._folder.log("supervisor")
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - LOG_TAIL))
            ends = re.findall(rf"exited: {re.escape(name)} \((.*?)(?:;.*)?\)", stream.read().decode(errors="replace"))
        return ends[-1] if ends else "its end was not seen"

    def _report(self, name: str, sentence: str) -> None:
        now = time.monotonic()
        if now - self._reported.get(name, -REPORT_AGAIN_SECONDS) >= REPORT_AGAIN_SECONDS:
            self._reported[name] = now
            self._say(f"{sentence} Log: {self._folder.log(name)}")

    def _stop(self) -> int:
        in_order = stop_programs(self._control, before_servers=self._leave_servers)
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while not self._supervisor_ended() and time.monotonic() < deadline:
            time.sleep(0.05)
        left = end_leftovers(self._folder)
        if not in_order:
            self._leave_servers()
        remove_folder(self._folder.home)
        self._say(f"Stopped. Had to end by force: {', '.join(left)}." if left else "Stopped.")
        return 0

    def _leave_servers(self) -> None:
        self._stop_containers()
        self._let_go()

    def _let_go(self) -> None:
        """Nobody else can lead on a database of our own; on a shared one a backup need not wait for the lease's end."""
        if not env.text("DATABASE_URL"):
            return
        command = [sys.executable, self._manage, "release_lease"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # the database's own limits hold
        if done.returncode != 0:
            self._say(f"The lease was not let go of; a backup waits for its end. {done.stderr.strip()[-500:]}")

    def _stop_containers(self) -> None:
        """By a command of its own, so that this small process loads neither Django nor the engine's SDK."""
        if env.text("HQ_RUNTIME") not in {"docker", "swarm"}:
            return
        command = [sys.executable, self._manage, "stop_containers"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # the engine's own limits hold
        if done.returncode != 0:
            self._say(f"The agents' containers could not be stopped. {done.stderr.strip()[-500:]}")

    def _say(self, sentence: str) -> None:
        try:
            print(f"{time.strftime('%H:%M:%S')} {sentence}", flush=True)  # noqa: T201 - the console is its screen
        except OSError:
            return  # the terminal has gone; stopping must go on


if __name__ == "__main__":
    sys.exit(HouseWatch(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]).run())
