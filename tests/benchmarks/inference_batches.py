"""Windows judged together beside one by one, and what the way through the house adds to the bare forward pass."""

from uuid import UUID, uuid4

import numpy as np

from apps.agents import operations, ports
from apps.agents.domain.backtest.strategy_views import stances_over
from apps.agents.domain.neural.feature_message import packed
from apps.agents.domain.neural.features import FEATURES, WINDOW
from apps.agents.domain.strategies.neural import AT_ONCE
from apps.agents.domain.strategies.registry import build_strategy
from apps.market.queries import current_moment
from tests.benchmarks.measure import Line, in_turns, p50
from tests.support.candle_columns import random_columns

BATCHES = (1, 16, 64)
LARGEST = BATCHES[-1]
BARS = 10_000


def run() -> list[Line]:
    """Milliseconds of one thread on ``cpu0`` with the shipped model; one line that says so where torch is missing."""
    missing = ports.engine().missing()
    if missing:
        return [Line("inference", "not measured", "", "", missing)]
    forward = operations.shipped_model()
    view = operations.register_shipped_model(moment=current_moment())
    windows = np.random.default_rng(1).normal(size=(LARGEST, WINDOW, len(FEATURES))).astype(np.float32)
    asked = [_asked(window) for window in windows]
    return [
        _together(forward, windows),
        _backtest(forward),
        *(_through_the_house(forward, view["id"], windows, asked, n) for n in BATCHES),
    ]


def _together(forward, windows) -> Line:
    together, single = in_turns(5, 3, lambda: forward(windows), lambda: [forward(window[None]) for window in windows])
    return Line(
        f"{LARGEST} windows in one pass, p50, ms",
        f"{p50(together):.2f}",
        f"{p50(single):.1f} (one by one)",
        f"{p50(single) / p50(together):.1f}x faster",
        ">= 8x",
    )


def _backtest(forward) -> Line:
    """The strategy's stances over a whole series, features included, beside the forward passes alone."""
    columns = random_columns(BARS, seed=1, timeframe=forward.facts.timeframe)
    strategy = build_strategy("neural", {}).with_model(forward)
    windows = np.random.default_rng(1).normal(size=(BARS - strategy.needs_bars + 1, WINDOW, len(FEATURES)))
    parts = np.array_split(windows.astype(np.float32), len(windows) // AT_ONCE + 1)
    ours, bare = in_turns(
        5,
        1,
        lambda: stances_over(strategy, columns, fee_bps=10.0),
        lambda: [forward(part) for part in parts],
    )
    return Line(
        f"a backtest's votes by the network over {BARS:,} bars, p50, ms",
        f"{p50(ours):.0f}",
        f"{p50(bare):.0f} (forward passes)",
        f"{p50(bare) / p50(ours):.2f}x the bare speed",
        ">= 0.8x",
    )


def _through_the_house(forward, model, windows, asked, count) -> Line:
    """From a message's windows to the votes in the agents' streams."""
    ours, bare = in_turns(
        5,
        10,
        lambda: operations.judge_windows(model=UUID(model), windows=asked[:count], device="cpu0"),
        lambda: forward(windows[:count]),
    )
    return Line(
        f"{count} windows from message to votes, p50, ms",
        f"{p50(ours):.2f}",
        f"{p50(bare):.2f} (forward pass)",
        f"{p50(bare) / p50(ours):.2f}x the bare speed",
        ">= 0.8x at 64",
    )


def _asked(window) -> dict[str, object]:
    return {
        "agent_id": str(uuid4()),
        "round_id": str(uuid4()),
        "symbol": "BTC/USDT",
        "timeframe": "5m",
        "parameters": {},
        "features": packed(window),
        "expires_at": "2026-01-05T08:05:00+00:00",
        "data_as_of": "2026-01-05T08:00:00+00:00",
        "correlation_id": str(uuid4()),
    }
