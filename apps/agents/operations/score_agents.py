"""Look at what the price did after each vote, and let the record set the agents' weights."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from apps.agents.domain.agent_scoring import PastVote, Scores, score_votes
from apps.agents.domain.agent_weighting import bench_reason, weight_from
from apps.agents.models import Agent, AgentScore, DesiredState, Vote
from apps.agents.operations.tell_agent_change import tell_agent_change
from apps.foundation import outbox
from apps.foundation.clock import Moment
from apps.market import queries as market
from apps.market.domain import timeframes
from apps.trading.domain.venues.paper_terms import terms_of

log = structlog.get_logger(__name__)

SCORER = "scoreboard"
JUDGED_VOTES = 500  # the record an agent is judged by
LOOKED_AT = 2_000  # unscored votes taken up in one run
LONGEST_WINDOW = 5_000  # candles read at once


class Closes:
    """The closes of one instrument and timeframe, to be asked for a time."""

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


def score_agents(*, moment: Moment) -> int:
    """Fill in the returns that are known by now, then score each agent that got new ones; how many were scored."""
    scored = 0
    for agent in Agent.objects.exclude(desired_state=DesiredState.DESTROYED).order_by("pk"):
        if _fill_returns(agent, moment) and _score(agent, moment):
            scored += 1
    return scored


def _fill_returns(agent: Agent, moment: Moment) -> int:
    waiting = list(
        Vote.objects.filter(agent=agent, horizon_bps__isnull=True).select_related("round").order_by("id")[:LOOKED_AT]
    )
    due = [vote for vote in waiting if _ends_at(vote) <= moment.firm]
    groups: dict[tuple[str, str], list[Vote]] = {}
    for vote in due:
        groups.setdefault((vote.round.symbol, vote.round.timeframe), []).append(vote)
    known: list[Vote] = []
    for (symbol, timeframe), votes in sorted(groups.items()):
        since = min(vote.round.closed_at for vote in votes)
        closes = Closes(symbol, timeframe, since=since, until=moment.firm)
        known += [vote for vote in votes if _fill(vote, closes)]
    Vote.objects.bulk_update(known, ["next_bar_bps", "horizon_bps"], batch_size=500)
    return len(known)


def _ends_at(vote: Vote) -> datetime:
    return vote.round.closed_at + vote.horizon_bars * timeframes.span(vote.round.timeframe)


def _fill(vote: Vote, closes: Closes) -> bool:
    bar: timedelta = timeframes.span(vote.round.timeframe)
    start, following = closes.at(vote.round.closed_at), closes.at(vote.round.closed_at + bar)
    end = closes.at(_ends_at(vote))
    if not start or following is None or end is None:
        return False
    vote.next_bar_bps = (following / start - 1.0) * 10_000.0
    vote.horizon_bps = (end / start - 1.0) * 10_000.0
    return True


def _score(agent: Agent, moment: Moment) -> bool:
    record = _record(agent)
    scores = score_votes(record, fee_bps=_fee_bps(record))
    weight, reason = weight_from(scores), bench_reason(scores, benched=bool(agent.benched_reason)) or ""
    with transaction.atomic():
        locked = Agent.objects.select_for_update().get(pk=agent.pk)
        if AgentScore.objects.filter(agent=agent, at=moment.firm).exists():
            return False
        _store(agent, scores, weight, reason, moment)
        Agent.objects.filter(pk=agent.pk).update(weight=weight, benched_reason=reason)
        if bool(locked.benched_reason) != bool(reason):
            action = "agent.benched" if reason else "agent.returned"
            tell_agent_change(agent=agent, action=action, actor=SCORER, payload={"reason": reason}, moment=moment)
        else:
            outbox.record_event(
                kind="agent.changed", aggregate=f"agent:{agent.pk}", payload={"agent_id": str(agent.pk)}
            )
    log.info("agent_scored", agent=agent.name, brier=scores.brier, pnl_bps=scores.pnl_bps, weight=weight)
    return True


def _fee_bps(record: Sequence[PastVote]) -> float:
    """What one side costs, over all that the agent voted on: coins and stocks differ."""
    fees = [float(terms_of(vote.symbol).side_fee_bps) for vote in record]
    return sum(fees) / len(fees) if fees else 0.0


def _record(agent: Agent) -> Sequence[PastVote]:
    rows = Vote.objects.filter(agent=agent, horizon_bps__isnull=False, next_bar_bps__isnull=False)
    return [
        PastVote(
            symbol=vote.round.symbol,
            closed_at=vote.round.closed_at,
            direction=vote.direction,
            confidence=vote.confidence,
            abstain=vote.abstain,
            next_bar_bps=vote.next_bar_bps or 0.0,
            horizon_bps=vote.horizon_bps or 0.0,
        )
        for vote in rows.select_related("round").order_by("-id")[:JUDGED_VOTES]
    ]


def _store(agent: Agent, scores: Scores, weight: float, reason: str, moment: Moment) -> None:
    AgentScore.objects.create(
        agent=agent,
        at=moment.firm,
        scored_wall=moment.wall,
        votes=scores.votes,
        opinions=scores.opinions,
        hits=scores.hits,
        hit_rate=scores.hit_rate,
        brier=scores.brier,
        pnl_bps=scores.pnl_bps,
        weight=weight,
        benched_reason=reason,
    )
