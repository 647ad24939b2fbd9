"""Our backtests beside backtesting.py and vectorbt on the same candles, where they are installed.

``BENCH_PEERS`` names the Python of a virtual environment that has them, and not ours: their versions of numpy, pandas
and numba are no business of the house.

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install backtesting vectorbt
    make bench PARTS=backtest BENCH_PEERS=/tmp/peers/bin/python
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

import numpy as np

from apps.agents.domain.backtest.signal_backtest import run_signal, sweep_crossings
from apps.agents.domain.performance.performance_report import performance_report
from apps.agents.domain.strategies.bar_by_bar import BarByBar
from apps.agents.domain.strategies.registry import build_strategy
from tests.benchmarks.measure import Line, milliseconds, p50
from tests.support.candle_files import write_rows

SETTING = "BENCH_PEERS"
COLUMNS = ("times", "open", "high", "low", "close", "volume")
SCRIPTS = Path(__file__).parent / "peers"
LONGEST = 900  # seconds that a peer may take
PAIRS = [(fast, slow) for fast in (5, 10, 15, 20) for slow in (60, 70, 80, 90, 100)]
SWEPT = 100_000  # candles of the sweep beside vectorbt, which keeps a matrix for each output
MIB = 1024.0
COLD_TURNS = 3
COLD = {"backtesting.py": ("backtesting_py.py", ()), "vectorbt": ("vectorbt_runs.py", ("[]", "0", "0"))}


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


def run(columns) -> list[Line]:
    """Ratios where the peers are there; else one line that says what was not measured and how to."""
    python = os.environ.get(SETTING, "")
    with tempfile.TemporaryDirectory(prefix="hq-peers-") as name:
        folder = Path(name)
        np.savez(folder / "candles.npz", **{column: getattr(columns, column) for column in COLUMNS})
        rows = zip(*(getattr(columns, column).tolist() for column in COLUMNS), strict=True)
        file = write_rows(folder / "binance_BTCUSDT_1m.csv.gz", rows)
        ours = _Process(_command("backtest", file, "--strategy", "sma_cross", "--json"), os.environ | {"HQ_HOME": name})
        ours.run()  # the compiled loops are kept by the first one
        memory = _memory(ours, file, name)
        if not python:
            told = f"set {SETTING}, see peer_backtests.py"
            return [*memory, Line("backtesting.py and vectorbt", "not measured", "", "", told)]
        own = _own(columns)
        return [
            *memory,
            *_or_why_not("backtesting.py", lambda: _beside_backtesting_py(python, folder, own)),
            *_or_why_not("backtesting.py", lambda: _cold("backtesting.py", python, ours, file, ">= 3x")),
            *_or_why_not("vectorbt", lambda: _beside_vectorbt(python, folder, own, columns)),
            *_or_why_not("vectorbt", lambda: _cold("vectorbt", python, ours, file, ">= 1.7x")),
        ]


def _command(name: str, file: Path, *words: str) -> list[str]:
    return [sys.executable, "manage.py", name, "--data", str(file), *words]


def _memory(ours: "_Process", file: Path, home: str) -> list[Line]:
    sweep = _Process(_command("sweep", file, "--json"), os.environ | {"HQ_HOME": home})
    sweep.run()
    return [
        Line("memory of a backtest from a cold process, MiB", f"{ours.peak_mib:.0f}", "", "", "< 400"),
        Line("memory of a sweep of 200 pairs over 500,000 candles, MiB", f"{sweep.peak_mib:.0f}", "", "", "< 500"),
    ]


def _or_why_not(peer: str, lines: Callable[[], list[Line]]) -> list[Line]:
    """A peer that is not installed, fails or takes too long hides no other."""
    try:
        return lines()
    except RuntimeError as error:
        return [Line(peer, "not measured", "", "", str(error))]


def _own(columns) -> dict[str, float]:
    """Ours, warm and in plain Python; the fewest of some milliseconds each."""
    crossing = build_strategy("sma_cross", {})

    def complete(strategy):
        performance = run_signal(strategy, columns).performance
        performance_report(performance)
        return performance

    made = complete(crossing)
    by_bar = complete(PlainCrossing())
    return {
        "trades": len(made.trades),
        "trades_by_bar": len(by_bar.trades),
        "run_ms": min(milliseconds(lambda: complete(crossing), time.process_time) for _ in range(5)),
        "by_bar_ms": min(milliseconds(lambda: complete(PlainCrossing()), time.process_time) for _ in range(3)),
    }


def _cold(peer: str, python: str, ours: "_Process", file: Path, goal: str) -> list[Line]:
    """From nothing to the result of the same file, in turns; on a busy machine the processor's time says it better."""
    script, words = COLD[peer]
    theirs = _Process(["timeout", str(LONGEST), python, str(SCRIPTS / script), str(file), *words])
    theirs.run()  # what it compiles is kept by the first one
    turns = [(ours.run(), ours.processor_ms, theirs.run(), theirs.processor_ms) for _ in range(COLD_TURNS)]
    wall, used, their_wall, their_used = (p50([turn[place] for turn in turns]) for place in range(4))
    return [
        _faster(f"{peer}: from a cold process, candle file to result, p50, ms", wall, their_wall, goal),
        _faster(f"{peer}: the same, time of the processor, p50, ms", used, their_used, goal),
    ]


class _Process:
    """A program that runs to its end: how long it took, what it told, its largest memory."""

    def __init__(self, command: list[str], environment=None) -> None:
        self._command, self._environment = command, environment or dict(os.environ)
        self.output = ""
        self.peak_mib = 0.0
        self.processor_ms = 0.0  # of the last run

    def run(self) -> float:
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(self._command, stdout=output, env=self._environment)

            def ended() -> None:
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                self.peak_mib = max(self.peak_mib, used.ru_maxrss / MIB)
                self.processor_ms = 1_000 * (used.ru_utime + used.ru_stime)

            took = milliseconds(ended)
            output.seek(0)
            self.output = output.read()
        if process.returncode:
            raise RuntimeError(f"{' '.join(self._command[:3])} ended with {process.returncode}.")
        return took


def _peer(python: str, script: str, *arguments: str) -> dict[str, float]:
    """What it tells."""
    process = _Process(["timeout", str(LONGEST), python, str(SCRIPTS / script), *arguments])
    process.run()
    return json.loads(process.output.splitlines()[-1])


def _beside_backtesting_py(python: str, folder: Path, own: dict[str, float]) -> list[Line]:
    told = _peer(python, "backtesting_py.py", str(folder / "candles.npz"))
    trades = f"{own['trades']:.0f} and {told['trades']:.0f} trades"
    return [
        _faster(
            f"backtesting.py: SMA 20/50, warm, ms of the processor ({trades})", own["run_ms"], told["run_ms"], ">= 100x"
        ),
        _faster(
            f"backtesting.py: a strategy in plain Python, ms of the processor ({own['trades_by_bar']:.0f} trades)",
            own["by_bar_ms"],
            told["run_ms"],
            ">= 4x",
        ),
    ]


def _beside_vectorbt(python: str, folder: Path, own: dict[str, float], columns) -> list[Line]:
    some = columns.rows(0, SWEPT)
    sweep_crossings(some, PAIRS)
    swept = min(milliseconds(lambda: sweep_crossings(some, PAIRS), time.process_time) for _ in range(5))
    path = str(folder / "candles.npz")
    told = _peer(python, "vectorbt_runs.py", path, json.dumps(PAIRS), str(SWEPT), "3")
    trades = f"{own['trades']:.0f} and {told['trades']:.0f} trades"
    return [
        _faster(f"vectorbt: SMA 20/50, warm, ms of the processor ({trades})", own["run_ms"], told["run_ms"], ">= 3x"),
        _faster(
            f"vectorbt: sweep of {len(PAIRS)} pairs over {SWEPT:,} candles with drawdown, ms of the processor"
            f" (it took {told['peak_mib']:,.0f} MiB)",
            swept,
            told["sweep_ms"],
            ">= 100x",
        ),
    ]


def _faster(what: str, ours: float, theirs: float, goal: str) -> Line:
    return Line(what, f"{ours:,.1f}", f"{theirs:,.0f}", f"{theirs / ours:,.1f}x faster", goal)
