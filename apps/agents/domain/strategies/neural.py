"""Neural: a small recurrent network's probabilities that the price beats its costs, up or down, within a horizon.

The strategy holds no network: it makes the features and reads the answer. The network runs in the inference worker,
in a backtest in the same process (``with_model``); without one the strategy abstains and says why.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.neural.features import NEEDS_BARS, Rows, feature_rows, feature_window, windows_over
from apps.agents.domain.neural.labels import DOWN, UP
from apps.agents.domain.strategies.contract import (
    ForwardPass,
    MarketView,
    Parameter,
    Strategy,
    StrategyVote,
    VoteColumns,
    abstention,
)

NO_MODEL = "No model is loaded in this process; the house's inference worker judges the features."
DIGEST_SHOWN = 8


class Neural:
    """Leans with the more probable side, as far as its calibrated probabilities lean."""

    name: ClassVar[str] = "neural"
    description: ClassVar[str] = "A trained network: how probable is a move beyond the costs, up or down?"
    default_timeframe: ClassVar[str] = "5m"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "smallest_lean",
            0.05,
            0.0,
            1.0,
            "It votes where P(up) and P(down) differ by at least this.",
            searched=(0.0, 0.4),
        ),
    )

    def __init__(self, numbers: Mapping[str, float]) -> None:
        self._numbers = numbers
        self._smallest_lean = numbers["smallest_lean"]
        self._model: ForwardPass | None = None

    @property
    def needs_bars(self) -> int:
        return NEEDS_BARS

    def features(self, view: MarketView) -> Rows:
        return feature_window({name: getattr(view, name) for name in ("times", "high", "low", "close", "volume")})

    def vote(self, view: MarketView) -> StrategyVote:
        if self._model is None:
            return abstention(NO_MODEL)
        judged = self._model(self.features(view)[None])
        return self.votes_on(judged, self._model, timeframe=view.timeframe)[0]

    def votes_on(
        self, probabilities: NDArray[np.float64], model: ForwardPass, *, timeframe: str
    ) -> Sequence[StrategyVote]:
        facts, named = model.facts, f"model {model.digest[:DIGEST_SHOWN]}"
        if timeframe != facts.timeframe:
            other = abstention(f"The {named} was trained on {facts.timeframe} bars, this agent votes on {timeframe}.")
            return [other] * len(probabilities)
        horizon, ends = facts.horizon_bars, f"within {facts.horizon_bars} bars beyond costs ({named})."
        votes = []
        for row in probabilities.tolist():
            up, down = row[UP], row[DOWN]
            lean = up - down
            if abs(lean) < self._smallest_lean:
                reason = _told("No clear side", round(100 * up), round(100 * down), ends)
                votes.append(StrategyVote(0.0, 0.0, True, horizon, reason))
                continue
            side = "More probable up" if lean > 0.0 else "More probable down"
            reason = _told(side, round(100 * up), round(100 * down), ends)
            direction = float((lean > 0.0) - (lean < 0.0))
            votes.append(StrategyVote(direction, min(1.0, abs(lean)), False, horizon, reason))
        return votes

    def votes_over_bars(self, view: MarketView, *, sources: int) -> VoteColumns | None:  # noqa: ARG002
        """``vote`` at every bar of a long view at once. What a network answers depends in its last digits on how many
        windows it judges together, here as in the living house.
        """
        model = self._model
        votes = VoteColumns.abstaining(view.bars, horizon_bars=1 if model is None else model.facts.horizon_bars)
        if model is None or view.timeframe != model.facts.timeframe or view.bars < NEEDS_BARS:
            return votes
        rows = feature_rows(times=view.times, high=view.high, low=view.low, close=view.close, volume=view.volume)
        probabilities = model(windows_over(rows))
        lean = probabilities[:, UP] - probabilities[:, DOWN]
        votes.abstain[NEEDS_BARS - 1 :] = np.abs(lean) < self._smallest_lean
        clear = ~votes.abstain[NEEDS_BARS - 1 :]
        votes.direction[NEEDS_BARS - 1 :][clear] = np.sign(lean[clear])
        votes.confidence[NEEDS_BARS - 1 :][clear] = np.minimum(1.0, np.abs(lean[clear]))
        return votes

    def with_model(self, model: ForwardPass) -> Strategy:
        bound = Neural(self._numbers)
        bound._model = model
        return bound


@lru_cache(maxsize=8_192)  # a device writes many of them again on each bar
def _told(side: str, up: int, down: int, ends: str) -> str:
    """The reason of a vote; the probabilities in whole percents, ``ends`` is the end of the sentence."""
    return f"{side}: up {up}%, down {down}% {ends}"
