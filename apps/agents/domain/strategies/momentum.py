"""Momentum: the trend goes on. Gap of a fast and a slow average, measured in volatility.

Source of the form: Baz et al., "Dissecting Investment Strategies in the Cross Section and Time Series" (2015),
simplified to one pair of averages.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

from apps.agents.domain.indicators import bar_volatility, efficiency_ratio, exponential_level, log_returns
from apps.agents.domain.strategies.contract import MarketView, Parameter, StrategyVote, VoteColumns, abstention
from apps.agents.domain.strategies.parameter_values import ParameterError


def trend_followed(fast: float, slow: float, volatility: float, straightness: float, bars: int) -> tuple[float, float]:
    """(direction, confidence) from two averages: their gap in units of half the deviation over ``bars`` bars, squashed
    smoothly into (-1, 1), and how straight the path was. Scalar: backtests compile it.
    """
    strength = math.log(fast / slow) / (volatility * math.sqrt(bars) / 2.0)
    return math.tanh(strength), min(1.0, 0.5 + straightness)


class Momentum:
    """Long while the fast average is above the slow one; surer when the gap is wide and the path straight."""

    name: ClassVar[str] = "momentum"
    description: ClassVar[str] = "Follows the trend: the gap of two moving averages, measured in volatility."
    default_timeframe: ClassVar[str] = "5m"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("fast", 12, 2, 200, "Span of the fast average in bars.", whole=True, searched=(4, 40)),
        Parameter(
            "slow", 26, 5, 500, "Span of the slow average in bars; must be above fast.", whole=True, searched=(15, 120)
        ),
        Parameter("horizon", 12, 1, 500, "For how many bars the vote is meant.", whole=True, searched=(6, 48)),
    )

    def __init__(self, numbers: Mapping[str, float]) -> None:
        self._fast, self._slow, self._horizon = int(numbers["fast"]), int(numbers["slow"]), int(numbers["horizon"])
        if self._fast >= self._slow:
            raise ParameterError("fast", f"fast was {self._fast}; it must be below slow, which is {self._slow}.")

    @property
    def needs_bars(self) -> int:
        return 3 * self._slow

    def vote(self, view: MarketView) -> StrategyVote:
        close = view.close[-self.needs_bars :]
        volatility = bar_volatility(close, self._slow)
        if volatility == 0.0:
            return abstention("The price has not moved, so there is no trend to follow.", horizon_bars=self._horizon)
        prices = close.tolist()
        fast, slow = exponential_level(prices, self._fast), exponential_level(prices, self._slow)
        straightness = efficiency_ratio(prices[-(self._slow + 1) :])
        direction, confidence = trend_followed(fast, slow, volatility, straightness, self._slow)
        side = "above" if direction > 0 else "below"
        gap = abs(math.log(fast / slow)) * 100
        return StrategyVote(
            direction=direction,
            confidence=confidence,
            abstain=False,
            horizon_bars=self._horizon,
            reason=f"The {self._fast}-bar average is {gap:.2f} % {side} the {self._slow}-bar one.",
        )

    def votes_over_bars(self, view: MarketView, *, sources: int) -> VoteColumns | None:  # noqa: ARG002
        """``vote`` at every bar of a long view at once."""
        from apps.agents.domain.backtest.vote_kernels import momentum_votes

        votes = momentum_votes(view.close, log_returns(view.close), self._fast, self._slow)
        return VoteColumns(*votes, horizon_bars=self._horizon)
