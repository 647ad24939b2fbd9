"""Whether a strategy sees the future, keeps something between votes, or needs more history than it says.

A window is a part of the whole series, and code that reaches behind an array finds what lies after it. So each vote is
asked again on a copy that ends where the window ends, on a series whose future is another one, and of a strategy that
was built anew.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from apps.agents.domain.backtest.strategy_views import answers_at_once, stances_over, view_at, vote_on
from apps.agents.domain.strategies.contract import JudgesByModel, Strategy, StrategyVote, VoteColumns, VotesOverBars
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import PRICES, CandleColumns

LONGER = (2, 4, 8)  # times the history that a strategy says it needs
SAME = 1e-9
NETWORKS_SAME = 1e-4

Build = Callable[[], Strategy]


@dataclass(frozen=True, slots=True)
class BiasFinding:
    """At ``at`` two votes that must be the same were not; ``what`` says how the second one was asked, ``remedy`` what
    to do, in a sentence.
    """

    at: datetime
    what: str
    first: str
    second: str
    remedy: str = ""

    def sentence(self) -> str:
        """What differed at which time, and the remedy."""
        told = f"{self.at:%Y-%m-%d %H:%M} UTC: {self.first}, but {self.second} {self.what}."
        return f"{told} {self.remedy}" if self.remedy else told


def sampled_places(columns: CandleColumns, *, needs: int, points: int) -> list[int]:
    """``points`` places spread evenly over the series, from the first whole window to the last bar but one.

    Raises ``ValueError`` for a series that has no bar after the first whole window.
    """
    if len(columns) <= needs:
        raise ValueError(f"The check needs more than {needs} candles of {columns.symbol}, there are {len(columns)}.")
    return sorted({int(place) for place in np.linspace(needs - 1, len(columns) - 2, max(2, points))})


def lookahead_findings(
    build: Build, columns: CandleColumns, places: Sequence[int], *, fee_bps: float
) -> Iterator[BiasFinding]:
    """The votes at these places that depend on what came later, or on what was asked before."""
    kept = build()
    stances = stances_over(kept, columns, fee_bps=fee_bps) if answers_at_once(kept) else None
    votes = _votes_at_once(kept, columns, fee_bps=fee_bps)
    for place in places:
        needs = kept.needs_bars
        vote = vote_on(kept, view_at(columns, place, needs, fee_bps=fee_bps))
        again = {
            "of a strategy that was built anew": (build(), columns),
            "once the series ends there": (build(), _ended(columns, place)),
            "once its future is ten times as high": (build(), _with_another_future(columns, place, 10.0)),
            "once its future is a tenth": (build(), _with_another_future(columns, place, 0.1)),
        }
        for what, (strategy, series) in again.items():
            second = vote_on(strategy, view_at(series, place, needs, fee_bps=fee_bps))
            if not _same(vote, second):
                yield _finding(columns, place, what, vote, second)
        if stances is not None:
            stance = int(stances[place])
            yield from _stance_findings(build, columns, place, stance=stance, vote=vote, fee_bps=fee_bps)
        if votes is not None:
            yield from _column_findings(votes, columns, place, vote, within=_same_within(kept))


def warmup_findings(
    build: Build, columns: CandleColumns, places: Sequence[int], *, fee_bps: float
) -> Iterator[BiasFinding]:
    """The votes at these places that change with more history than ``needs_bars``: the strategy needs more than it
    says, and votes otherwise after a restart than before.
    """
    strategy = build()
    for place in places:
        vote = vote_on(strategy, view_at(columns, place, strategy.needs_bars, fee_bps=fee_bps))
        for factor in LONGER:
            bars = factor * strategy.needs_bars
            if bars > place + 1:
                break
            second = vote_on(strategy, view_at(columns, place, bars, fee_bps=fee_bps))
            if not _same(vote, second):
                needs = strategy.needs_bars
                what = f"with {bars} bars instead of {needs}, which is what needs_bars says"
                remedy = f"Read only the last {needs} bars of the view, or let needs_bars say more."
                yield replace(_finding(columns, place, what, vote, second), remedy=remedy)


def _votes_at_once(strategy: Strategy, columns: CandleColumns, *, fee_bps: float) -> VoteColumns | None:
    if not isinstance(strategy, VotesOverBars):
        return None
    return strategy.votes_over_bars(view_at(columns, len(columns) - 1, len(columns), fee_bps=fee_bps), sources=1)


def _same_within(strategy: Strategy) -> float:
    """By how much a confidence may differ: networks count in 32 bits, and sum in another order in another batch."""
    return NETWORKS_SAME if isinstance(strategy, JudgesByModel) else 0.0


def _column_findings(
    votes: VoteColumns, columns: CandleColumns, place: int, vote: StrategyVote, *, within: float
) -> Iterator[BiasFinding]:
    """A backtest of the firm lives by these votes, so they must be the strategy's own to the last bit."""
    told = votes.at(place)
    agrees = (told.direction, told.abstain) == (vote.direction, vote.abstain)
    if not agrees or abs(told.confidence - vote.confidence) > within:
        yield _finding(columns, place, "in its votes for all bars at once", vote, told)


def _stance_findings(
    build: Build, columns: CandleColumns, place: int, *, stance: int, vote: StrategyVote, fee_bps: float
) -> Iterator[BiasFinding]:
    """What a strategy answers for all bars at once must be its votes, and must not change with the future."""
    sign = 0 if vote.abstain else int(np.sign(vote.direction))
    ended = int(stances_over(build(), _ended(columns, place), fee_bps=fee_bps)[-1])
    at = _time(columns, place)
    if stance != sign:
        yield BiasFinding(at, "in its answer for all bars at once", f"it votes {sign:+d}", f"{stance:+d}")
    if stance != ended:
        yield BiasFinding(at, "once the series ends there", f"all at once it answers {stance:+d}", f"{ended:+d}")


def _ended(columns: CandleColumns, place: int) -> CandleColumns:
    """A copy that ends at the bar: nothing lies behind its arrays."""
    cut = columns.rows(0, place + 1)
    return replace(cut, **{name: getattr(cut, name).copy() for name in ("times", *PRICES)})


def _with_another_future(columns: CandleColumns, place: int, factor: float) -> CandleColumns:
    """A copy whose later prices are multiplied."""
    changed = {name: getattr(columns, name).copy() for name in PRICES}
    for values in changed.values():
        values[place + 1 :] *= factor
    return replace(columns, **changed)


def _same(one: StrategyVote, other: StrategyVote) -> bool:
    if one.abstain or other.abstain:
        return one.abstain == other.abstain
    return abs(one.direction - other.direction) <= SAME and abs(one.confidence - other.confidence) <= SAME


def _finding(columns: CandleColumns, place: int, what: str, vote: StrategyVote, second: StrategyVote) -> BiasFinding:
    return BiasFinding(_time(columns, place), what, f"it votes {_told(vote)}", _told(second))


def _told(vote: StrategyVote) -> str:
    return "to abstain" if vote.abstain else f"{vote.direction:+.4f} with a confidence of {vote.confidence:.4f}"


def _time(columns: CandleColumns, place: int) -> datetime:
    return timeframes.from_milliseconds(int(columns.closes_at[place]))
