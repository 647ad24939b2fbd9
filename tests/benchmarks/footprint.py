"""What the idle house weighs, and how long a warm start takes to the first quote."""

import time
from pathlib import Path

import psutil

from tests.benchmarks.measure import Line
from tests.support.running_firm import RunningFirm

AGENTS = 4


def memory(firm: RunningFirm) -> list[Line]:
    """Proportional set size of all processes together, PostgreSQL and Redis counted, and of the largest agent."""
    assert firm.process is not None
    firm.wait_for(lambda: len(_agents(firm.process.pid)) == AGENTS, 120, f"{AGENTS} agent processes")
    firm.wait_for(
        lambda: firm.get("trading/decisions/")["results"], 300, "a first decision, so that all parts have worked"
    )
    processes = [psutil.Process(firm.process.pid), *_descendants(firm.process.pid)]
    sizes = {process.pid: _pss(process.pid) for process in processes}
    total = sum(sizes.values()) / 2**20
    agents = [_rss(process) for process in _agents(firm.process.pid)]
    return [
        Line(f"all {len(sizes)} idle processes, MiB (PSS)", f"{total:,.0f}", "1,024", f"{total / 1024:.2f}", "< 1.0"),
        Line("largest agent process, MiB (RSS)", f"{max(agents):.0f}", "60", f"{max(agents) / 60:.2f}", "< 1.0"),
    ]


def warm_start(firm: RunningFirm) -> list[Line]:
    """Stop and start again: seconds from the command to the first quote that the API shows."""
    firm.stop()
    start = time.perf_counter()
    firm.start()
    firm.wait_for(lambda: firm.get("market/quotes/")["results"], 60, "a quote")
    took = time.perf_counter() - start
    return [Line("warm start to the first quote, s", f"{took:.1f}", "10", f"{took / 10:.2f}", "<= 1.0")]


def _agents(pid: int) -> list[psutil.Process]:
    everyone = [*psutil.Process(pid).children(recursive=True), *_descendants(pid)]
    agents = {p.pid: p for p in everyone if "workers.agent_process" in _command(p)}
    return list(agents.values())


def _descendants(pid: int) -> list[psutil.Process]:
    found = psutil.Process(pid).children(recursive=True)
    known = {process.pid for process in found}
    marker = Path(f"/proc/{pid}/environ").read_bytes().split(b"HQ_HOME=")[1].split(b"\0")[0]
    for process in psutil.process_iter():
        if process.pid not in known and process.pid != pid and _belongs(process.pid, marker):
            found.append(process)
    return found


def _belongs(pid: int, home: bytes) -> bool:
    try:
        return b"HQ_HOME=" + home + b"\0" in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def _rss(process: psutil.Process) -> float:
    return process.memory_info().rss / 2**20
