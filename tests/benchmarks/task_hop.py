"""One task through Celery: from sending to its first line, ours against a bare application, each with its own worker.

Ours is sent by ``after_commit.enqueue`` with a correlation id and an expiry and runs under the house's settings and
signals (correlation, logs at INFO); both workers have the same flags: threads, acknowledge late, one task at a time.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import redis

from tests.benchmarks import order_desk
from tests.benchmarks.measure import Line, p50, p99
from tests.support.running_firm import ROOT
from tradinghq.supervision.house_programs import QUIET_WORKER

TURNS, BATCH, WARM_UP = 15, 10, 20
CHAIN = 3
START_SECONDS = 60
OUR_ANSWERS, BARE_ANSWERS = "bench.ours.started", "bench.bare.started"
Send = Callable[[int], object]


def run() -> list[Line]:
    """p50 of one hop and of a chain of three, in turns."""
    from apps.foundation.lease import this_house
    from tests.support.leading import lead

    order_desk.open_accounts()
    lead(this_house())  # tasks are done by the house that leads
    with ExitStack() as running:
        running.callback(_end, _worker("tests.benchmarks.our_hop", "bench.ours", HQ_PROCESS="bench"))
        running.callback(_end, bare_worker())
        ours, bare = _our_sender(), bare_sender()
        sides = [(ours, OUR_ANSWERS), (bare, BARE_ANSWERS)]
        hops, chains = (_in_turns(sides, left) for left in (0, CHAIN - 1))
    lines = []
    for what, (mine, theirs), goal in (
        ("task hop, p50 ms", hops, "<= 1.3"),
        (f"chain of {CHAIN} hops, p50 ms", chains, "-"),
    ):
        told = f"{what} (p99 {p99(mine):.1f}, bare {p99(theirs):.1f})"
        ratio = p50(mine) / p50(theirs)
        lines.append(Line(told, f"{p50(mine):.2f}", f"{p50(theirs):.2f}", f"{ratio:.2f}", goal))
    return lines


def bare_sender() -> Send:
    """Sends to the bare application's queue."""
    from tests.benchmarks import bare_hop

    return lambda left: bare_hop.app.send_task("bench.hop", kwargs={"left": left}, queue="bench.bare")


def bare_worker() -> subprocess.Popen[bytes]:
    """A worker of the bare application."""
    return _worker("tests.benchmarks.bare_hop", "bench.bare")


def time_hops(send: Send, answers: str, left: int, times: int) -> list[float]:
    """Milliseconds from sending until the last hop's first line, one after another."""
    client = redis.from_url(os.environ["REDIS_URL"], socket_timeout=None)
    found = []
    for _ in range(times):
        start = time.monotonic_ns()
        send(left)
        answer = client.blpop([answers], timeout=START_SECONDS)
        if answer is None:
            raise TimeoutError(f"No task of {answers} ran within {START_SECONDS} s.")
        found.append((int(answer[1]) - start) / 1e6)
    return found


def _our_sender() -> Send:
    from apps.foundation import after_commit
    from apps.foundation.logs import bind

    bind(correlation_id="bench-0123456789abcdef")
    return lambda left: after_commit.enqueue("bench.hop", queue="bench.ours", expires=30, left=left)


def _in_turns(sides: list[tuple[Send, str]], left: int) -> list[list[float]]:
    found: list[list[float]] = [[] for _ in sides]
    for send, answers in sides:
        time_hops(send, answers, left, WARM_UP)
    for _ in range(TURNS):
        for own, (send, answers) in zip(found, sides, strict=True):
            own.extend(time_hops(send, answers, left, BATCH))
    return found


def _worker(module: str, queue: str, **environment: str) -> subprocess.Popen[bytes]:
    celery = (sys.executable, "-m", "celery", "-A", f"{module}:app", "worker", *QUIET_WORKER)
    named = ("-c", "4", "-Q", queue, "-n", f"{queue}@bench")
    inherited = {name: value for name, value in os.environ.items() if name not in {"HQ_PROCESS", "HQ_LOOPS"}}
    return subprocess.Popen(
        [*celery, *named],
        cwd=ROOT,
        env=inherited | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _end(worker: subprocess.Popen[bytes]) -> None:
    worker.terminate()
    worker.wait(30)
