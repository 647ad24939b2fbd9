"""Momentum: the trend goes on. Gap of a fast and a slow average, measured in volatility.

Source of the form: Baz et al., "Dissecting Investment Strategies in the Cross Section and Time Series" (2015),
simplified to one pair of averages.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

from apps.agents.domain.indicators import bar_volatility, efficiency_ratio, exponential_average, squash
from apps.agents.domain.strategies.contract import MarketView, Parameter, StrategyVote, abstention
from apps.agents.domain.strategies.parameter_values import ParameterError


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
        fast = float(exponential_average(close, self._fast)[-1])
        slow = float(exponential_average(close, self._slow)[-1])
        gap = math.log(fast / slow)
        strength = gap / (volatility * math.sqrt(self._slow) / 2.0)
        straightness = efficiency_ratio(close, self._slow)
        side = "above" if gap > 0 else "below"
        return StrategyVote(
            direction=squash(strength),
            confidence=min(1.0, 0.5 + straightness),
            abstain=False,
            horizon_bars=self._horizon,
            reason=f"The {self._fast}-bar average is {abs(gap) * 100:.2f} % {side} the {self._slow}-bar one.",
        )
