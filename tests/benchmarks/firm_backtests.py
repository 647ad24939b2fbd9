"""The whole firm over candles: four rule strategies, consensus, sizing, gate, fills and stops on ten instruments.

A candle-vote is one agent's vote on one bar of one instrument. Calm minutes move by 0.1 % (a coin's on most days), wild
ones by 0.4 %: there most bars lead to a proposal, and each proposal is sized and judged by the functions that trade.
Somebody resumes trading each morning, so that limits that latch do not end the work. Seconds are those of the
processor, both cores together: a busy machine must not hide what a candle costs. By the clock a run takes less, since
the votes of two instruments are computed at once.
"""

import resource
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import numpy as np

from apps.agents.domain.backtest.firm_backtest import FirmSetting, run_firm
from apps.agents.domain.backtest.firm_rounds import BacktestAgent
from apps.agents.domain.strategies.registry import build_strategy
from apps.market.domain.candle_columns import PRICES, CandleColumns
from apps.market.domain.instruments import InstrumentRules
from tests.benchmarks.measure import Line
from tests.support.candle_columns import random_columns

INSTRUMENTS = tuple(f"C{number}/USDT" for number in range(10))
AGENTS = ("momentum", "breakout", "mean_reversion", "arbitrage")
CALM, WILD = 0.001, 0.004
CALM_BARS, WILD_BARS = (20_000, 100_000, 500_000), (2_500, 5_000, 10_000)
COMPARED = 400  # bars that are also played bar by bar
WANTED = 1_000_000  # candle-votes a second


def run() -> list[Line]:
    """Candle-votes a second at three sizes with the memory of the largest, and beside the same run bar by bar."""
    setting = _setting()
    _costs(_market(200, WILD), setting, [200])  # compiles
    calm = _market(max(CALM_BARS), CALM)
    costs = _costs(calm, setting, CALM_BARS)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    del calm
    wild = _market(max(WILD_BARS), WILD)
    wild_costs = _costs(wild, setting, WILD_BARS)
    votes = "candle-votes a second of the processor"
    return [
        _speed(f"the whole firm over {_candles(CALM_BARS[-1])} calm candles, {votes} ({most:.0f} MiB)", costs),
        _growth("the same, us a candle", CALM_BARS, costs),
        _speed(f"the whole firm over {_candles(WILD_BARS[-1])} wild candles, {votes}", wild_costs),
        _growth("the same, us a candle", WILD_BARS, wild_costs),
        _beside_bar_by_bar(wild, setting),
    ]


def _market(bars: int, deviation: float) -> list[CandleColumns]:
    """Walks in whole cents, as an exchange tells prices."""
    walks = (
        random_columns(bars, seed=seed, deviation=deviation, symbol=symbol) for seed, symbol in enumerate(INSTRUMENTS)
    )
    return [replace(walk, **{name: np.round(getattr(walk, name), 2) for name in PRICES[:4]}) for walk in walks]


def _setting() -> FirmSetting:
    agents = [
        BacktestAgent(UUID(int=place + 1), name, build_strategy(name, {}), "1m", INSTRUMENTS)
        for place, name in enumerate(AGENTS)
    ]
    tick, step = Decimal("0.01"), Decimal("0.00001")
    rules = {
        symbol: InstrumentRules(symbol, symbol[:-5], "USDT", tick, step, step, Decimal(5)) for symbol in INSTRUMENTS
    }
    return FirmSetting(agents=agents, rules=rules, resumes_daily=True)


def _took(call: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of the processor, and by the clock."""
    start, began = time.process_time(), time.perf_counter()
    call()
    return (time.process_time() - start) * 1_000, (time.perf_counter() - began) * 1_000


def _costs(series, setting, sizes) -> list[tuple[float, float]]:
    """Milliseconds a candle at each number of bars, of the processor and by the clock."""
    costs = []
    for size in sizes:
        cut, candles = [columns.rows(0, size) for columns in series], size * len(INSTRUMENTS)
        used, took = _took(lambda cut=cut: run_firm(cut, setting))
        costs.append((used / candles, took / candles))
    return costs


def _beside_bar_by_bar(series, setting) -> Line:
    """The same run both ways. Raises ``RuntimeError`` where they differ."""
    cut = [columns.rows(0, COMPARED) for columns in series]
    digests = []
    ours, _ = _took(lambda: digests.append(run_firm(cut, setting).digest))
    plain, _ = _took(lambda: digests.append(run_firm(cut, setting, bar_by_bar=True).digest))
    if len(set(digests)) != 1:
        raise RuntimeError("The run is not the run bar by bar.")
    votes = len(AGENTS) * len(INSTRUMENTS) * COMPARED
    return Line(
        f"the same over {_candles(COMPARED)}, beside bar by bar",
        f"{votes / ours * 1e3:,.0f}",
        f"{votes / plain * 1e3:,.0f} (bar by bar)",
        f"{plain / ours:.1f}x faster",
        "the same orders",
    )


def _speed(what: str, costs: list[tuple[float, float]]) -> Line:
    votes, by_clock = (len(AGENTS) * 1e3 / cost for cost in costs[-1])
    return Line(what, f"{votes:,.0f} ({by_clock:,.0f} by the clock)", f"{WANTED:,}", f"{votes / WANTED:.2f}x", ">= 1x")


def _growth(what: str, sizes: tuple[int, ...], costs: list[tuple[float, float]]) -> Line:
    told, used = ", ".join(f"{size:,}" for size in sizes), [cost for cost, _ in costs]
    shown = ", ".join(f"{cost * 1e3:.3g}" for cost in used)
    return Line(f"{what} at {told} bars", shown, "", f"{used[-1] / used[0]:.2f} from least to most", "linear")


def _candles(bars: int) -> str:
    return f"{bars * len(INSTRUMENTS):,}"
