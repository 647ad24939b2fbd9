"""Our backtests beside backtesting.py and vectorbt on the same candles, where they are installed.

``BENCH_PEERS`` names the Python of a virtual environment that has them, and not ours: their versions of numpy, pandas
and numba are no business of the house.

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install backtesting vectorbt
    make bench PARTS=peers BENCH_PEERS=/tmp/peers/bin/python
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np

from apps.agents.domain.backtest.signal_backtest import run_signal, sweep_crossings
from apps.agents.domain.performance.performance_report import performance_report
from apps.agents.domain.strategies.bar_by_bar import BarByBar
from apps.agents.domain.strategies.registry import build_strategy
from tests.benchmarks.backtest_runs import minutes
from tests.benchmarks.measure import Line, milliseconds, p50
from tests.support.candle_files import write_rows

SETTING = "BENCH_PEERS"
COLUMNS = ("times", "open", "high", "low", "close", "volume")
SCRIPTS = Path(__file__).parent / "peers"
LONGEST = 900  # seconds that a peer may take
PAIRS = [(fast, slow) for fast in range(5, 55, 5) for slow in range(60, 260, 10)]
AT_ONCE = 20  # pairs that vectorbt sweeps at once, of 5, 10, 20 and 40 the fastest for it: it keeps matrices of them
MIB = 1024.0
# Runs a script as it would run itself, then says the most memory that it held, in KiB.
TELL_PEAK = """
import atexit, runpy, sys
from pathlib import Path

def tell():
    print(next(x.split()[1] for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM")))

atexit.register(tell)
sys.argv.pop(0)
sys.path.insert(0, "")
runpy.run_path(sys.argv[0], run_name="__main__")
"""
TURNS, WARM_RUNS, COLD_TURNS = 3, 5, 3
COLD = {"backtesting.py": "backtesting_py.py", "vectorbt": "vectorbt_runs.py"}


class PlainCrossing(BarByBar):
    """The crossing as a person would write it, one bar after the other in plain Python."""

    name = "plain_crossing"
    description = "Two running means."
    default_timeframe = "1m"
    parameters = ()

    @property
    def needs_bars(self):
        return 50

    def follow(self):
        fast, slow = deque(maxlen=20), deque(maxlen=50)
        quick = steady = 0.0

        def on_bar(_open, _high, _low, close, _volume):
            nonlocal quick, steady
            quick += close - (fast[0] if len(fast) == 20 else 0.0)
            steady += close - (slow[0] if len(slow) == 50 else 0.0)
            fast.append(close)
            slow.append(close)
            if len(slow) < 50:
                return 0
            gap = quick / 20 - steady / 50
            return 1 if gap > 1e-9 else -1 if gap < -1e-9 else 0

        return on_bar


def run() -> list[Line]:
    """Ratios where the peers are there; else one line that says what was not measured and how to."""
    python, columns = os.environ.get(SETTING, ""), minutes()
    with tempfile.TemporaryDirectory(prefix="hq-peers-") as name:
        folder = Path(name)
        np.savez(folder / "candles.npz", **{column: getattr(columns, column) for column in COLUMNS})
        rows = zip(*(getattr(columns, column).tolist() for column in COLUMNS), strict=True)
        file = write_rows(folder / "binance_BTCUSDT_1m.csv.gz", rows)
        words = ("--strategy", "sma_cross", "--json")
        ours = _Process(_command("backtest", file, *words), os.environ | {"HQ_HOME": name})
        ours.run()  # the compiled loops are kept by the first one
        memory = [
            _memory("a backtest from a cold process", "< 400", "backtest", file, *words),
            _memory(f"a sweep of 200 pairs over {len(columns):,} candles", "< 500", "sweep", file, "--json"),
        ]
        if not python:
            told = f"set {SETTING}, see peer_backtests.py"
            return [*memory, Line("backtesting.py and vectorbt", "not measured", "", "", told)]
        candles = str(folder / "candles.npz")
        return [
            *memory,
            *_or_why_not("backtesting.py", lambda: _beside_backtesting_py(python, candles, columns)),
            *_or_why_not("backtesting.py", lambda: _cold("backtesting.py", python, ours, file, ">= 3x")),
            *_or_why_not("vectorbt", lambda: _beside_vectorbt(python, candles, columns)),
            *_or_why_not("vectorbt", lambda: _cold("vectorbt", python, ours, file, ">= 1.7x")),
        ]


def _command(name: str, file: Path, *words: str) -> list[str]:
    return [sys.executable, "manage.py", name, "--data", str(file), *words]


def _memory(what: str, goal: str, name: str, file: Path, *words: str) -> Line:
    """The most that a command holds, as it tells itself: the kernel counts what started a process as the process."""
    command = _command(name, file, *words)
    process = _Process([command[0], "-c", TELL_PEAK, *command[1:]], os.environ | {"HQ_HOME": str(file.parent)})
    process.run()
    return Line(f"memory of {what}, MiB", f"{int(process.output.splitlines()[-1]) / MIB:.0f}", "", "", goal)


def _or_why_not(peer: str, lines: Callable[[], list[Line]]) -> list[Line]:
    """A peer that is not installed, fails or takes too long hides no other."""
    try:
        return lines()
    except RuntimeError as error:
        return [Line(peer, "not measured", "", "", str(error))]


def _complete(strategy, columns) -> int:
    """A run with all figures; its trades."""
    performance = run_signal(strategy, columns).performance
    performance_report(performance)
    return len(performance.trades)


def _run_ms(strategy, columns) -> float:
    """Of the processor, in the middle of some runs."""
    return p50([milliseconds(lambda: _complete(strategy, columns), time.process_time) for _ in range(WARM_RUNS)])


def _cold(peer: str, python: str, ours: "_Process", file: Path, goal: str) -> list[Line]:
    """From nothing to the result of the same file, in turns; on a busy machine the processor's time says it better."""
    theirs = _Process(["timeout", str(LONGEST), python, str(SCRIPTS / COLD[peer]), str(file)])
    theirs.run()  # what it compiles is kept by the first one
    turns = [(ours.run(), ours.processor_ms, theirs.run(), theirs.processor_ms) for _ in range(COLD_TURNS)]
    wall, used, their_wall, their_used = (p50([turn[place] for turn in turns]) for place in range(4))
    return [
        _faster(f"{peer}: from a cold process, candle file to result, p50, ms", wall, their_wall, goal),
        _faster(f"{peer}: the same, time of the processor, p50, ms", used, their_used, goal),
    ]


class _Process:
    """A program that runs to its end: how long it took, and what it told."""

    def __init__(self, command: list[str], environment=None) -> None:
        self._command, self._environment = command, environment or dict(os.environ)
        self.output = ""
        self.processor_ms = 0.0  # of the last run

    def run(self) -> float:
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=output, env=self._environment)

            def ended() -> None:
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                self.processor_ms = 1_000 * (used.ru_utime + used.ru_stime)

            took = milliseconds(ended)
            output.seek(0)
            self.output = output.read()
        if process.returncode:
            raise RuntimeError(f"{' '.join(self._command[:3])} ended with {process.returncode}.")
        return took


class _Peer:
    """A peer's script that answers as often as it is asked, so that both sides of a ratio are measured in turns."""

    def __init__(self, python: str, script: str, *words: str) -> None:
        self._command = ["timeout", str(LONGEST), python, str(SCRIPTS / script), *words]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.first = self._answer()
        return self

    def ask(self, wish: object = None) -> dict[str, Any]:
        """What it tells of one more run."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n" if wish is None else json.dumps(wish) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self._command[2:4])} ended with {self._process.wait()}.")
        told: dict[str, Any] = json.loads(line)
        return told

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait()


def _beside_backtesting_py(python: str, candles: str, columns) -> list[Line]:
    crossing, plain = build_strategy("sma_cross", {}), PlainCrossing()
    trades, by_bar = _complete(crossing, columns), _complete(plain, columns)
    with _Peer(python, "backtesting_py.py", candles) as peer:
        turns = [
            (
                _run_ms(crossing, columns),
                milliseconds(lambda: _complete(plain, columns), time.process_time),
                peer.ask()["run_ms"],
            )
            for _ in range(TURNS)
        ]
        theirs = peer.first["trades"]
    ours, ours_by_bar, their_ms = (p50([turn[place] for turn in turns]) for place in range(3))
    words = "ms of the processor, p50"
    return [
        _faster(f"backtesting.py: SMA 20/50, warm, {words} ({trades} and {theirs} trades)", ours, their_ms, ">= 100x"),
        _faster(
            f"backtesting.py: a strategy in plain Python, {words} ({by_bar} trades)", ours_by_bar, their_ms, ">= 4x"
        ),
    ]


def _beside_vectorbt(python: str, candles: str, columns) -> list[Line]:
    crossing = build_strategy("sma_cross", {})
    trades = _complete(crossing, columns)
    with _Peer(python, "vectorbt_runs.py", candles) as peer:
        turns = [(_run_ms(crossing, columns), peer.ask()["run_ms"]) for _ in range(TURNS)]
        swept = _swept_beside(peer, columns)
    ours, theirs = (p50([turn[place] for turn in turns]) for place in range(2))
    words = f"{trades} and {peer.first['trades']} trades"
    return [_faster(f"vectorbt: SMA 20/50, warm, ms of the processor, p50 ({words})", ours, theirs, ">= 3x"), swept]


def _swept_beside(peer: _Peer, columns) -> Line:
    """All pairs in one go of ours, after each part of theirs: its author advises to split by columns, see its issue
    170. Raises ``RuntimeError`` where both did not do the same.
    """
    peer.ask(PAIRS[:2])  # what it compiles for many columns
    found = sweep_crossings(columns, PAIRS)
    ours, parts = [], []
    for first in range(0, len(PAIRS), AT_ONCE):
        parts.append(peer.ask(PAIRS[first : first + AT_ONCE]))
        ours.append(milliseconds(lambda: sweep_crossings(columns, PAIRS), time.process_time))
    trades, falls = ([each for part in parts for each in part[name]] for name in ("trades", "falls"))
    alive = found.total_return > -1.0 + 1e-6  # with less left its own tolerance ends the trading
    more = (np.array(trades) - found.trades)[alive]
    if more.min() < 0 or more.max() > 1:  # it counts what is open at the end, too
        raise RuntimeError(f"It made {sum(trades):,} trades, ours are {int(found.trades.sum()):,}.")
    if np.abs(np.array(falls) + found.max_drawdown).max() > 1e-4:  # where two averages are level, rounding decides
        raise RuntimeError("Its drawdowns are not ours.")
    return _faster(
        f"vectorbt: sweep of {len(PAIRS)} pairs over {len(columns):,} candles with drawdown, ms of the processor"
        f" (its in parts of {AT_ONCE}, which took {max(part['peak_mib'] for part in parts):,.0f} MiB)",
        p50(ours),
        sum(part["sweep_ms"] for part in parts),
        ">= 100x",
    )


def _faster(what: str, ours: float, theirs: float, goal: str) -> Line:
    return Line(what, f"{ours:,.1f}", f"{theirs:,.0f}", f"{theirs / ours:,.1f}x faster", goal)
