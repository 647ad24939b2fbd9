"""Small markets, weights and answers for tests of the neural strategy."""

import numpy as np

from apps.agents.domain.neural.features import FEATURE_SET, FEATURES, WINDOW
from apps.agents.domain.neural.model_facts import ModelFacts
from apps.market.domain.candle_columns import CandleColumns

BAR_MS = 300_000
START_MS = 1_767_571_200_000  # 2026-01-05


def facts(**changes) -> ModelFacts:
    values = {
        "feature_set": FEATURE_SET,
        "window": WINDOW,
        "features": len(FEATURES),
        "hidden": 4,
        "timeframe": "5m",
        "horizon_bars": 12,
        "cost_bps": 24.0,
        "seed": 1,
        "trained_from": START_MS,
        "test_from": START_MS + 1000 * BAR_MS,
    }
    return ModelFacts(**(values | changes))


def tensors(made_for: ModelFacts, seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights of the right shapes."""
    random = np.random.default_rng(seed)
    found = {name: random.normal(0.0, 0.3, shape).astype(np.float32) for name, shape in made_for.tensors().items()}
    found["scale"] = np.abs(found["scale"]) + 0.5
    found["temperature"] = np.array([1.5], dtype=np.float32)
    return found


def columns(close: np.ndarray, *, symbol="BTC/USDT", volume=None, first_ms=START_MS) -> CandleColumns:
    """5-minute candles that open at the close before; highs and lows lie a little outside."""
    close = np.asarray(close, dtype=float)
    opened = np.concatenate([close[:1], close[:-1]])
    return CandleColumns(
        symbol,
        "test",
        "5m",
        first_ms + BAR_MS * np.arange(len(close)),
        opened,
        np.maximum(opened, close) * 1.0005,
        np.minimum(opened, close) * 0.9995,
        close,
        np.full(len(close), 10.0) if volume is None else np.asarray(volume, dtype=float),
    )


def walk(bars: int, seed: int, size: float = 0.002) -> np.ndarray:
    return 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, size, bars)))


class FixedAnswer:
    """A model that answers the same for every window."""

    def __init__(self, down: float, flat: float, up: float, **changes):
        self.facts = facts(**changes)
        self.digest = "ab" * 32
        self._row = np.array([down, flat, up])

    def __call__(self, windows):
        return np.tile(self._row, (len(windows), 1))


class FixedAnswers(FixedAnswer):
    """A model that gives these answers to as many windows, whatever they hold."""

    def __init__(self, answers, **changes):
        super().__init__(0.0, 0.0, 1.0, **changes)
        self._answers = np.asarray(answers)

    def __call__(self, windows):
        assert len(windows) == len(self._answers)
        return self._answers
