"""Crossing of two simple moving averages: the textbook example, and the yardstick that backtests are timed with.

Source of the form: Brock, Lakonishok and LeBaron, "Simple Technical Trading Rules" (1992), the variable-length rule
without a band.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.strategies.contract import MarketView, Parameter, Series, StrategyVote, VoteColumns
from apps.agents.domain.strategies.parameter_values import ParameterError

# Averages of equal prices over windows of different length differ by rounding; real gaps are a million times wider.
ROUNDING = 1e-12
CONFIDENCE = 0.6


def crossing(fast: float, slow: float) -> int:
    """1 where the fast average lies above the slow one, -1 below, 0 where they are equal. Scalar: backtests compile
    it.
    """
    if fast > slow * (1.0 + ROUNDING):
        return 1
    if fast < slow * (1.0 - ROUNDING):
        return -1
    return 0


class SmaCross:
    """In while the fast average is above the slow one, out while it is below."""

    name: ClassVar[str] = "sma_cross"
    description: ClassVar[str] = "The example: long while the fast simple average of closes is above the slow one."
    default_timeframe: ClassVar[str] = "5m"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("fast", 20, 1, 1000, "Bars of the fast average.", whole=True, searched=(5, 60)),
        Parameter("slow", 50, 2, 5000, "Bars of the slow average; must be above fast.", whole=True, searched=(30, 300)),
        Parameter("horizon", 12, 1, 500, "For how many bars the vote is meant.", whole=True),
    )

    def __init__(self, numbers: Mapping[str, float]) -> None:
        self._fast, self._slow, self._horizon = int(numbers["fast"]), int(numbers["slow"]), int(numbers["horizon"])
        if self._fast >= self._slow:
            raise ParameterError("fast", f"fast was {self._fast}; it must be below slow, which is {self._slow}.")

    @property
    def needs_bars(self) -> int:
        return self._slow

    def vote(self, view: MarketView) -> StrategyVote:
        window = view.close[-self._slow :].tolist()
        fast, slow = math.fsum(window[-self._fast :]) / self._fast, math.fsum(window) / self._slow
        side = crossing(fast, slow)
        word = {1: "above", -1: "below", 0: "level with"}[side]
        return StrategyVote(
            direction=float(side),
            confidence=CONFIDENCE,
            abstain=False,
            horizon_bars=self._horizon,
            reason=f"The {self._fast}-bar average is {word} the {self._slow}-bar one: {fast:.8g} and {slow:.8g}.",
        )

    def stances(self, close: Series) -> NDArray[np.int8]:
        """The direction of a vote at every bar at once; 0 while warming."""
        from apps.agents.domain.backtest.signal_kernels import crossing_stances

        return crossing_stances(close, self._fast, self._slow)

    def votes_over_bars(self, view: MarketView, *, sources: int) -> VoteColumns | None:  # noqa: ARG002
        """``vote`` at every bar of a long view at once."""
        direction = self.stances(view.close).astype(np.float64)
        confidence, abstain = np.full(view.bars, CONFIDENCE), np.zeros(view.bars, np.bool_)
        confidence[: self.needs_bars - 1], abstain[: self.needs_bars - 1] = 0.0, True
        return VoteColumns(direction, confidence, abstain, horizon_bars=self._horizon)
