"""Windows judged together beside one by one, and what the way through the house adds to the bare forward pass."""

import time
from decimal import Decimal
from uuid import UUID

import numpy as np

from apps.agents import operations, ports
from apps.agents.domain.backtest.firm_backtest import FirmSetting, run_firm
from apps.agents.domain.backtest.firm_rounds import BacktestAgent
from apps.agents.domain.backtest.strategy_views import stances_over
from apps.agents.domain.neural.feature_message import packed
from apps.agents.domain.neural.feature_reading import checked_window
from apps.agents.domain.neural.features import FEATURES, NEEDS_BARS, WINDOW
from apps.agents.domain.neural.window_batch import WindowBatch
from apps.agents.domain.strategies.registry import build_strategy
from apps.foundation.clock import wall_now
from apps.market.domain.instruments import InstrumentRules
from apps.market.queries import current_moment
from tests.benchmarks import inference_queue
from tests.benchmarks.inference_queue import rounds_of
from tests.benchmarks.measure import Line, in_turns, p50
from tests.support.candle_columns import random_columns

LARGEST = 64
ASKED = ((1, 1), (16, 1), (LARGEST, 4), (LARGEST, LARGEST))  # windows of so many agents
BARS = 10_000
FIRM_SIZES = ((4, 2_500), (4, 5_000), (10, 20_000))  # instruments and bars of each
FIRM_TURNS = (9, 9, 2)
RULES = ("momentum", "breakout", "mean_reversion", "arbitrage")


def run() -> list[Line]:
    """Milliseconds of one thread on ``cpu0`` with the shipped model; one line that says so where torch is missing.

    Of the processor where nothing is waited for: a busy machine takes the thread off it in the middle of a pass.
    """
    missing = ports.engine().missing()
    if missing:
        return [Line("inference", "not measured", "", "", missing)]
    forward = operations.shipped_model()
    view = operations.register_shipped_model(moment=current_moment())
    windows = _windows(LARGEST)
    return [
        _together(forward, windows),
        _backtest(forward),
        *(_firm(forward, *size, turns) for size, turns in zip(FIRM_SIZES, FIRM_TURNS, strict=True)),
        *(
            _through_the_house(forward, view["id"], count, agents, together=together)
            for count, agents in ASKED
            for together in (10, 1)
        ),
        *inference_queue.run(forward, view["id"], windows),
    ]


def _together(forward, windows) -> Line:
    together, single = in_turns(
        5, 3, lambda: forward(windows), lambda: [forward(window[None]) for window in windows], clock=time.process_time
    )
    return Line(
        f"{LARGEST} windows in one pass, time of the processor, p50, ms",
        f"{p50(together):.2f}",
        f"{p50(single):.1f} (one by one)",
        f"{p50(single) / p50(together):.1f}x faster",
        ">= 8x",
    )


def _backtest(forward) -> Line:
    """The strategy's stances over a whole series, features included, beside the forward pass alone."""
    columns = random_columns(BARS, seed=1, timeframe=forward.facts.timeframe)
    strategy = build_strategy("neural", {}).with_model(forward)
    windows = _windows(BARS - NEEDS_BARS + 1)
    ours, bare = in_turns(
        9, 1, lambda: stances_over(strategy, columns, fee_bps=10.0), lambda: forward(windows), clock=time.process_time
    )
    return Line(
        f"a backtest's votes by the network over {BARS:,} bars, time of the processor, p50, ms",
        f"{p50(ours):.0f}",
        f"{p50(bare):.0f} (forward pass)",
        f"{p50(bare) / p50(ours):.2f}x the bare speed",
        ">= 0.8x",
    )


def _firm(forward, instruments: int, bars: int, turns: int) -> Line:
    """The four rule strategies and this one through the house, beside the forward passes alone: one an instrument over
    windows that lie ready, in as large tiles as it likes.
    """
    symbols = tuple(f"C{number}/USDT" for number in range(instruments))
    series = [random_columns(bars, seed=seed, timeframe="5m", symbol=symbol) for seed, symbol in enumerate(symbols)]
    strategies = [build_strategy(name, {}) for name in RULES] + [build_strategy("neural", {}).with_model(forward)]
    agents = [
        BacktestAgent(UUID(int=place + 1), strategy.name, strategy, "5m", symbols)
        for place, strategy in enumerate(strategies)
    ]
    setting = FirmSetting(agents=agents, rules={symbol: _rules(symbol) for symbol in symbols})
    windows = _windows(bars - NEEDS_BARS + 1)
    ours, bare = in_turns(
        turns,
        1,
        lambda: run_firm(series, setting),
        lambda: [forward(windows) for _ in symbols],
        clock=time.process_time,
    )
    return Line(
        f"the whole firm with the network, {instruments} instruments, {bars:,} bars, time of the processor, p50, ms",
        f"{p50(ours):.0f}",
        f"{p50(bare):.0f} (forward passes)",
        f"{p50(bare) / p50(ours):.2f}x the bare speed",
        ">= 0.8x",
    )


def _windows(count: int):
    return np.random.default_rng(1).normal(size=(count, WINDOW, len(FEATURES))).astype(np.float32)


def _rules(symbol: str) -> InstrumentRules:
    step = Decimal("0.00001")
    return InstrumentRules(symbol, symbol[:-5], "USDT", Decimal("0.01"), step, step, Decimal(5))


def _through_the_house(forward, model, count: int, agents: int, *, together: int) -> Line:
    """From a message's windows to the votes in the streams of ``agents``, beside the forward pass alone.

    ``together``: so many of ours run before as many bare ones. In a row each pass finds the caches as the one before
    left them; one after another both find them as the house did, as on each bar.
    """
    windows = _windows(count)
    asked = rounds_of(agents, count)
    features = b"".join(checked_window(packed(window)) for window in windows)
    batch = WindowBatch(model, asked, wall_now(), features)
    ours, bare = in_turns(
        200 // together,
        together,
        lambda: operations.judge_windows(batch=batch, device="cpu0"),
        lambda: forward(windows),
        clock=time.process_time,
    )
    return Line(
        f"{count} windows of {agents} agents from message to votes, {'in turns' if together == 1 else 'in a row'}, "
        "time of the processor, p50, ms",
        f"{p50(ours):.2f}",
        f"{p50(bare):.2f} (forward pass)",
        f"{p50(bare) / p50(ours):.2f}x the bare speed",
        ">= 0.8x at 64",
    )
