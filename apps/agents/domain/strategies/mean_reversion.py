"""Mean reversion: what ran too far comes back. Distance from the mean in standard deviations, confirmed by Wilder's
RSI.

Source of the form: Bollinger, "Bollinger on Bollinger Bands" (2001), 20 bars and 2 standard deviations; RSI of 14
bars, 30 and 70.
"""

from collections.abc import Mapping
from typing import ClassVar

from apps.agents.domain.indicators import relative_strength, z_score
from apps.agents.domain.strategies.contract import MarketView, Parameter, StrategyVote, VoteColumns, abstention

OVERSOLD, OVERBOUGHT = 30.0, 70.0
FULL_STRETCH = 2.0  # deviations beyond the entry at which the direction is full


def stretch_faded(distance: float, strength: float, entry: float) -> tuple[float, float]:
    """(direction, confidence) against a price ``distance`` deviations from its mean, with an RSI of ``strength``.
    Scalar: backtests compile it.
    """
    stretched = strength <= OVERSOLD if distance < 0 else strength >= OVERBOUGHT
    size = min(1.0, 0.5 + (abs(distance) - entry) / FULL_STRETCH)
    return (size if distance < 0 else -size), (0.7 if stretched else 0.4)


class MeanReversion:
    """Votes against a stretched price; abstains while the price is near its mean, where there is nothing to revert."""

    name: ClassVar[str] = "mean_reversion"
    description: ClassVar[str] = (
        "Fades a stretched price: distance from the mean in standard deviations, confirmed by RSI."
    )
    default_timeframe: ClassVar[str] = "5m"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("window", 20, 5, 300, "Bars of the mean and the deviation.", whole=True, searched=(10, 80)),
        Parameter("entry", 2.0, 0.5, 5.0, "Standard deviations from the mean at which it votes.", searched=(1.0, 3.5)),
        Parameter("rsi", 14, 2, 100, "Bars of the RSI.", whole=True, searched=(7, 28)),
        Parameter("horizon", 12, 1, 500, "For how many bars the vote is meant.", whole=True, searched=(6, 48)),
    )

    def __init__(self, numbers: Mapping[str, float]) -> None:
        self._window, self._entry = int(numbers["window"]), numbers["entry"]
        self._rsi, self._horizon = int(numbers["rsi"]), int(numbers["horizon"])

    @property
    def needs_bars(self) -> int:
        return max(self._window, 5 * self._rsi)

    def vote(self, view: MarketView) -> StrategyVote:
        close = view.close[-self.needs_bars :].tolist()
        distance = z_score(close[-self._window :])
        if abs(distance) < self._entry:
            return abstention(
                f"The price is {distance:+.1f} deviations from its {self._window}-bar mean; "
                f"it votes from {self._entry:g} on.",
                horizon_bars=self._horizon,
            )
        strength = relative_strength(close, self._rsi)
        direction, confidence = stretch_faded(distance, strength, self._entry)
        side = "below" if distance < 0 else "above"
        return StrategyVote(
            direction=direction,
            confidence=confidence,
            abstain=False,
            horizon_bars=self._horizon,
            reason=f"The price is {abs(distance):.1f} deviations {side} its mean with an RSI of {strength:.0f}.",
        )

    def votes_over_bars(self, view: MarketView, *, sources: int) -> VoteColumns | None:  # noqa: ARG002
        """``vote`` at every bar of a long view at once."""
        from apps.agents.domain.backtest.vote_kernels import mean_reversion_votes

        votes = mean_reversion_votes(view.close, self._window, self._rsi, self._entry)
        return VoteColumns(*votes, horizon_bars=self._horizon)
