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
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from apps.agents.domain.backtest.signal_backtest import run_signal, sweep_crossings
from apps.agents.domain.performance.performance_report import performance_report
from apps.agents.domain.strategies.bar_by_bar import BarByBar
from apps.agents.domain.strategies.registry import build_strategy
from tests.benchmarks.measure import Line, milliseconds
from tests.support.candle_files import write_rows

SETTING = "BENCH_PEERS"
COLUMNS = ("times", "open", "high", "low", "close", "volume")
SCRIPTS = Path(__file__).parent / "peers"
LONGEST = 900  # seconds that a peer may take
PAIRS = [(fast, slow) for fast in (5, 10, 15, 20) for slow in (60, 70, 80, 90, 100)]
SWEPT = 100_000  # candles of the sweep beside vectorbt, which keeps a matrix for each output
MIB = 1024.0


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
    if not python:
        return [Line("backtesting.py and vectorbt", "not measured", "", "", f"set {SETTING}, see peer_backtests.py")]
    with tempfile.TemporaryDirectory(prefix="hq-peers-") as name:
        folder = Path(name)
        np.savez(folder / "candles.npz", **{column: getattr(columns, column) for column in COLUMNS})
        own = _own(columns, folder)
        return [
            *_or_why_not("backtesting.py", lambda: _beside_backtesting_py(python, folder, own)),
            *_or_why_not("vectorbt", lambda: _beside_vectorbt(python, folder, own, columns)),
        ]


def _or_why_not(peer: str, lines: Callable[[], list[Line]]) -> list[Line]:
    """A peer that is not installed, fails or takes too long hides no other."""
    try:
        return lines()
    except RuntimeError as error:
        return [Line(peer, "not measured", "", "", str(error))]


def _own(columns, folder: Path) -> dict[str, float]:
    """Ours: warm, in plain Python, and from a cold process; the fewest of some milliseconds each."""
    crossing = build_strategy("sma_cross", {})

    def complete(strategy):
        performance = run_signal(strategy, columns).performance
        performance_report(performance)
        return performance

    made = complete(crossing)
    by_bar = complete(PlainCrossing())
    path = write_rows(
        folder / "binance_BTCUSDT_1m.csv.gz", zip(*(getattr(columns, n).tolist() for n in COLUMNS), strict=True)
    )
    command = [sys.executable, "manage.py", "backtest", "--data", str(path), "--strategy", "sma_cross", "--json"]
    cold = _Process(command, os.environ | {"HQ_HOME": str(folder)})
    cold.run()  # the compiled loops and the read candles are kept by the first one
    times = [cold.run() for _ in range(3)]
    return {
        "trades": len(made.trades),
        "trades_by_bar": len(by_bar.trades),
        "equity": float(made.curve.values[-1]),
        "run_ms": min(milliseconds(lambda: complete(crossing)) for _ in range(5)),
        "by_bar_ms": min(milliseconds(lambda: complete(PlainCrossing())) for _ in range(3)),
        "cold_ms": min(times),
        "cold_mib": cold.peak_mib,
    }


class _Process:
    """A program that runs to its end: how long it took, what it told, its largest memory."""

    def __init__(self, command: list[str], environment=None) -> None:
        self._command, self._environment = command, environment or dict(os.environ)
        self.output = ""
        self.peak_mib = 0.0

    def run(self) -> float:
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(self._command, stdout=output, env=self._environment)

            def ended() -> None:
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                self.peak_mib = max(self.peak_mib, used.ru_maxrss / MIB)

            took = milliseconds(ended)
            output.seek(0)
            self.output = output.read()
        if process.returncode:
            raise RuntimeError(f"{' '.join(self._command[:3])} ended with {process.returncode}.")
        return took


def _peer(python: str, script: str, *arguments: str) -> tuple[dict[str, float], float]:
    """What it tells, and how long the whole process took."""
    process = _Process(["timeout", str(LONGEST), python, str(SCRIPTS / script), *arguments])
    took = process.run()
    return json.loads(process.output.splitlines()[-1]), took


def _beside_backtesting_py(python: str, folder: Path, own: dict[str, float]) -> list[Line]:
    told, cold = _peer(python, "backtesting_py.py", str(folder / "candles.npz"))
    trades = f"{own['trades']:.0f} and {told['trades']:.0f} trades"
    return [
        _faster(f"backtesting.py: SMA 20/50, warm, ms ({trades})", own["run_ms"], told["run_ms"], ">= 100x"),
        _faster("backtesting.py: from a cold process, imports counted, ms", own["cold_ms"], cold, ">= 3x"),
        _faster(
            f"backtesting.py: a strategy in plain Python, ms ({own['trades_by_bar']:.0f} trades)",
            own["by_bar_ms"],
            told["run_ms"],
            ">= 4x",
        ),
        Line("memory of ours from a cold process, MiB", f"{own['cold_mib']:.0f}", "", "", "< 400"),
    ]


def _beside_vectorbt(python: str, folder: Path, own: dict[str, float], columns) -> list[Line]:
    some = columns.rows(0, SWEPT)
    sweep_crossings(some, PAIRS)
    swept = min(milliseconds(lambda: sweep_crossings(some, PAIRS)) for _ in range(5))
    path = str(folder / "candles.npz")
    _peer(python, "vectorbt_runs.py", path, "[]", "0", "0")  # compiles, once for a fresh environment
    _, cold = _peer(python, "vectorbt_runs.py", path, "[]", "0", "0")
    told, _ = _peer(python, "vectorbt_runs.py", path, json.dumps(PAIRS), str(SWEPT), "3")
    trades = f"{own['trades']:.0f} and {told['trades']:.0f} trades"
    return [
        _faster(f"vectorbt: SMA 20/50, warm, ms ({trades})", own["run_ms"], told["run_ms"], ">= 3x"),
        _faster("vectorbt: from a cold process, imports counted, ms", own["cold_ms"], cold, ">= 1.7x"),
        _faster(
            f"vectorbt: sweep of {len(PAIRS)} pairs over {SWEPT:,} candles with drawdown, ms"
            f" (it took {told['peak_mib']:,.0f} MiB)",
            swept,
            told["sweep_ms"],
            ">= 100x",
        ),
    ]


def _faster(what: str, ours: float, theirs: float, goal: str) -> Line:
    return Line(what, f"{ours:,.1f}", f"{theirs:,.0f}", f"{theirs / ours:,.1f}x faster", goal)
