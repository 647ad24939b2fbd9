"""What a strategy gets to see at each bar of a recorded series, exactly as an agent does."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.strategies.contract import (
    JudgesByModel,
    MarketView,
    Strategy,
    StrategyVote,
    VenueQuote,
    VotesOverBars,
    abstention,
)
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import CandleColumns

Progress = Callable[[int, int], None]  # bars done, bars in all


def unheard(_done: int, _whole: int) -> None:
    """The progress that nobody wants to hear of."""


def view_at(
    columns: CandleColumns, place: int, bars: int, *, fee_bps: float, venues: tuple[VenueQuote, ...] = ()
) -> MarketView:
    """The window of at most ``bars`` candles that ends with the one at ``place``; nothing later is in reach."""
    first, end = max(0, place + 1 - bars), place + 1
    return MarketView(
        symbol=columns.symbol,
        timeframe=columns.timeframe,
        closed_at=timeframes.from_milliseconds(int(columns.times[place]) + columns.length_ms),
        times=columns.times[first:end],
        open=columns.open[first:end],
        high=columns.high[first:end],
        low=columns.low[first:end],
        close=columns.close[first:end],
        volume=columns.volume[first:end],
        venues=venues,
        fee_bps=fee_bps,
    )


def vote_on(strategy: Strategy, view: MarketView) -> StrategyVote:
    """The strategy's vote; while the window is short it abstains, saying how far it has warmed."""
    if view.bars < strategy.needs_bars:
        return abstention(f"Warming: {view.bars} of {strategy.needs_bars} bars.")
    try:
        return strategy.vote(view)
    except Exception as error:
        error.add_note(f"{strategy.name} was asked about {view.symbol} at {view.closed_at:%Y-%m-%d %H:%M} UTC")
        raise


def votes_over(
    strategy: Strategy, columns: CandleColumns, *, fee_bps: float, progress: Progress = unheard
) -> Iterator[StrategyVote]:
    """The vote at every bar, from the window that an agent would be sent."""
    for place in range(len(columns)):
        progress(place + 1, len(columns))
        yield vote_on(strategy, view_at(columns, place, strategy.needs_bars, fee_bps=fee_bps))


def answers_at_once(strategy: Strategy) -> bool:
    """Whether the strategy answers for all bars of a series at once."""
    return hasattr(strategy, "stances") or hasattr(strategy, "stances_over_bars")


def stances_over(
    strategy: Strategy, columns: CandleColumns, *, fee_bps: float, progress: Progress = unheard
) -> NDArray[np.int8]:
    """At every bar 1 (in), -1 (out) or 0 (as before): the sign of the vote, 0 for an abstention.

    A strategy that offers ``stances`` or ``stances_over_bars`` answers for all bars at once; ``check_lookahead`` holds
    that against its votes. One with a model judges all bars in few passes.
    """
    by_bar = getattr(strategy, "stances_over_bars", None)
    if by_bar is not None and len(columns):
        told: NDArray[np.int8] = by_bar(view_at(columns, len(columns) - 1, len(columns), fee_bps=fee_bps))
        return told
    at_once = getattr(strategy, "stances", None)
    if at_once is not None:
        found: NDArray[np.int8] = at_once(columns.close)
        return found
    if isinstance(strategy, JudgesByModel) and isinstance(strategy, VotesOverBars) and len(columns):
        whole = strategy.votes_over_bars(view_at(columns, len(columns) - 1, len(columns), fee_bps=fee_bps), sources=1)
        if whole is not None:
            return np.where(whole.abstain, 0, np.sign(whole.direction)).astype(np.int8)
    votes = votes_over(strategy, columns, fee_bps=fee_bps, progress=progress)
    return np.fromiter((0 if vote.abstain else int(np.sign(vote.direction)) for vote in votes), np.int8, len(columns))
