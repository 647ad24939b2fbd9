"""For strategies that are written as "on each bar, do this": one plain function of a bar, with whatever it remembers.

A backtest tells it every bar once, half a million in a fraction of a second. An agent tells a fresh one the bars of its
window, so what it remembers must be forgotten within ``needs_bars``; ``check_lookahead`` and the strategy kit hold both
answers against each other.
"""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.strategies.contract import MarketView, StrategyVote

OnBar = Callable[[float, float, float, float, float], int]  # open, high, low, close, volume: 1 in, -1 out, 0 as before


class BarByBar:
    """Gives a strategy its ``vote`` and its answer for all bars at once. The strategy writes ``needs_bars`` and
    ``follow``, which begins anew and answers the function that is told each bar.
    """

    confidence: ClassVar[float] = 0.6
    horizon_bars: ClassVar[int] = 12

    @property
    def needs_bars(self) -> int:
        """How many closed candles a vote takes."""
        raise NotImplementedError

    def follow(self) -> OnBar:
        """A function that remembers nothing yet."""
        raise NotImplementedError

    def vote(self, view: MarketView) -> StrategyVote:
        """The answer to the last bar of the window."""
        first = view.bars - self.needs_bars
        columns = (view.open, view.high, view.low, view.close, view.volume)
        side = _told(self.follow(), columns, first)[-1]
        words = {1: "in", -1: "out", 0: "as before"}
        return StrategyVote(
            direction=float(side),
            confidence=self.confidence if side else 0.0,
            abstain=side == 0,
            horizon_bars=self.horizon_bars,
            reason=f"After the bar that closed at {view.close[-1]:.8g}: {words[int(side)]}.",
        )

    def stances_over_bars(self, view: MarketView) -> NDArray[np.int8]:
        """The answer at every bar of a long view; 0 while warming."""
        found = _told(self.follow(), (view.open, view.high, view.low, view.close, view.volume), 0)
        found[: self.needs_bars - 1] = 0
        return found


def _told(on_bar: OnBar, columns: tuple[NDArray[np.float64], ...], first: int) -> NDArray[np.int8]:
    """Plain floats, one bar after the other: Python is several times faster on them than on numpy's scalars."""
    return np.fromiter(map(on_bar, *(column[first:].tolist() for column in columns)), np.int8, len(columns[0]) - first)
