"""What the price did after a vote, and the record that an agent is judged by. Scoring and its verifier share it."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet

from apps.agents.domain.agent_scoring import PastVote
from apps.agents.models import Vote
from apps.market import queries as market
from apps.market.domain import timeframes
from apps.trading.domain.venues.paper_terms import terms_of

JUDGED_VOTES = 500  # the record an agent is judged by
LONGEST_WINDOW = 5_000  # candles read at once


class Closes:
    """The closes of one instrument and timeframe, to be asked for a time; the newest ``LONGEST_WINDOW`` at most."""

    def __init__(self, symbol: str, timeframe: str, *, since: datetime, until: datetime) -> None:
        span = timeframes.span(timeframe)
        length = min(LONGEST_WINDOW, int((until - since) / span) + 2)
        candles = market.closed_candles(symbol=symbol, timeframe=timeframe, until=until, limit=length)
        self._times = [candle.close_at for candle in candles]
        self._closes = [float(candle.close) for candle in candles]

    def at(self, moment: datetime) -> float | None:
        """The last close at or before ``moment``; None before the window."""
        place = bisect_right(self._times, moment)
        return self._closes[place - 1] if place else None


def ends_at(vote: Vote) -> datetime:
    """When the vote's horizon passes, firm time."""
    return vote.round.closed_at + vote.horizon_bars * timeframes.span(vote.round.timeframe)


def returns_after(vote: Vote, closes: Closes) -> tuple[float, float] | None:
    """Returns from the vote's bar to the next close and over its horizon, in basis points; None where a close is not
    stored.
    """
    start, following = closes.at(vote.round.closed_at), closes.at(vote.round.closed_at + _bar(vote))
    end = closes.at(ends_at(vote))
    if not start or following is None or end is None:
        return None
    return (following / start - 1.0) * 10_000.0, (end / start - 1.0) * 10_000.0


def past_votes(known: QuerySet[Vote]) -> list[PastVote]:
    """Scored votes as the scoring takes them, of many without their rows; in the order of ``known``."""
    fields = ("round__symbol", "round__closed_at", "direction", "confidence", "abstain", "next_bar_bps", "horizon_bps")
    return [
        PastVote(symbol, closed_at, direction, confidence, abstain, next_bar or 0.0, horizon or 0.0)
        for symbol, closed_at, direction, confidence, abstain, next_bar, horizon in known.values_list(*fields)
    ]


def past_vote(vote: Vote) -> PastVote:
    """A scored vote as the scoring takes it."""
    return PastVote(
        symbol=vote.round.symbol,
        closed_at=vote.round.closed_at,
        direction=vote.direction,
        confidence=vote.confidence,
        abstain=vote.abstain,
        next_bar_bps=vote.next_bar_bps or 0.0,
        horizon_bps=vote.horizon_bps or 0.0,
    )


def side_fee_bps(record: Sequence[PastVote]) -> float:
    """What one side costs, over all that the agent voted on: coins and stocks differ."""
    fees = [float(terms_of(vote.symbol).side_fee_bps) for vote in record]
    return sum(fees) / len(fees) if fees else 0.0


def _bar(vote: Vote) -> timedelta:
    return timeframes.span(vote.round.timeframe)
