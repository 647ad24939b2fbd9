"""Arbitrage: votes on one instrument from the price gap between venues after fees. Both legs at once come later.

When one venue's bid stands above another's ask by more than the fees of both sides, the cheap venue is expected to
catch up.
"""

from collections.abc import Mapping
from typing import ClassVar

from apps.agents.domain.strategies.contract import (
    MarketView,
    Parameter,
    StrategyVote,
    VenueQuote,
    VoteColumns,
    abstention,
)

TWO = 2


class Arbitrage:
    """Long when the first venue, where orders go, is the cheap one; against it when it is the dear one."""

    name: ClassVar[str] = "arbitrage"
    description: ClassVar[str] = (
        "Compares the venues' prices of one instrument and votes when the gap pays the fees of both sides."
    )
    default_timeframe: ClassVar[str] = "5m"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "margin_bps",
            5.0,
            0.0,
            500.0,
            "Gap left after fees, in basis points, from which it votes.",
            searched=(1.0, 40.0),
        ),
        Parameter("horizon", 3, 1, 100, "For how many bars the vote is meant.", whole=True, searched=(1, 12)),
    )

    def __init__(self, numbers: Mapping[str, float]) -> None:
        self._margin, self._horizon = numbers["margin_bps"], int(numbers["horizon"])

    @property
    def needs_bars(self) -> int:
        return 1

    def vote(self, view: MarketView) -> StrategyVote:
        quotes = [quote for quote in view.venues if 0.0 < quote.bid <= quote.ask]
        if len(quotes) < TWO:
            only = f"only {quotes[0].source} quotes" if quotes else "no source quotes"
            return abstention(f"Arbitrage compares two sources, and {only} {view.symbol}.", horizon_bars=self._horizon)
        here, others = quotes[0], quotes[1:]
        gap, other = max(
            ((_gap_bps(here, quote), quote) for quote in others), key=lambda pair: (abs(pair[0]), pair[1].source)
        )
        left = abs(gap) - TWO * view.fee_bps
        if left < self._margin:
            return abstention(
                f"The gap of {abs(gap) / 100:.2f} % between {here.source} and {other.source} "
                f"does not pay {TWO * view.fee_bps / 100:.2f} % of fees.",
                horizon_bars=self._horizon,
            )
        return StrategyVote(
            direction=1.0 if gap > 0 else -1.0,
            confidence=min(1.0, 0.5 + left / 100.0),
            abstain=False,
            horizon_bars=self._horizon,
            reason=f"{here.source} is {abs(gap) / 100:.2f} % {'cheaper' if gap > 0 else 'dearer'} than {other.source}, "
            "more than the fees.",
        )

    def votes_over_bars(self, view: MarketView, *, sources: int) -> VoteColumns | None:
        """``vote`` at every bar of a long view at once, where one source alone quotes: an abstention each time."""
        if sources >= TWO:
            return None
        return VoteColumns.abstaining(view.bars, horizon_bars=self._horizon)


def _gap_bps(here: VenueQuote, other: VenueQuote) -> float:
    """How far ``other`` bids above our ask (positive) or ``here`` bids above the other's ask (negative), in basis
    points.
    """
    if other.bid > here.ask:
        return (other.bid / here.ask - 1.0) * 10_000.0
    if here.bid > other.ask:
        return -(here.bid / other.ask - 1.0) * 10_000.0
    return 0.0
