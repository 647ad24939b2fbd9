"""A supervisor that is told to end, by whom ever, takes the house with it in order; the console says so."""

import re
import signal
import sys

import psutil
import pytest

from apps.management.adapters.supervised_programs import SupervisedProgram
from tests.support.running_supervisor import ROOT, running_supervisor, until
from tradinghq.supervision.house_programs import HOUSE
from tradinghq.supervision.watch_house import HouseWatch

ENDS_IN_TWO_SECONDS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(2), sys.exit()))
print("ready", flush=True)
signal.pause()
"""


@pytest.fixture
def supervisor():
    program = SupervisedProgram("web", (sys.executable, "-c", ENDS_IN_TWO_SECONDS), {}, ROOT, start_at_once=True)
    with running_supervisor(**{HOUSE: [program]}) as running:
        log = running.folder.log("web")
        until(lambda: log.is_file() and "ready" in log.read_text(), "the program")
        yield running


@pytest.fixture
def watch(supervisor, monkeypatch):
    """The watch over it, in this process; the signals are the tests' own again behind it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    watch = HouseWatch(supervisor.folder.home, supervisor.process.pid, "manage.py")
    monkeypatch.setattr(watch, "_start_anew", lambda: pytest.fail("started again, though nobody killed it"))
    monkeypatch.setattr(watch, "_leave_servers", lambda: print("00:00:00 Left the engine and the lease."))
    yield watch
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seen", ["ending", "ended"])
def test_the_house_ends_with_it_in_order(supervisor, watch, capsys, number, seen):
    supervisor.process.send_signal(number)
    if seen == "ended":
        process = psutil.Process(supervisor.process.pid)
        until(lambda: process.status() == psutil.STATUS_ZOMBIE, "the supervisor's end")
    assert watch.run() == 0
    said = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in capsys.readouterr().out.splitlines()]
    assert said == [
        "The supervisor was told to end. Stopping: agents, workers, servers.",
        "Left the engine and the lease.",
        "Stopped.",
    ]
    log = supervisor.folder.log("supervisor").read_text()
    assert "stopped: web (exit status 0)" in log
