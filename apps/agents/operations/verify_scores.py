"""The scoreboard's verifier: recompute returns, scores and weights from votes and candles, and name what differs."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction

from apps.agents.domain.agent_scoring import PastVote, score_votes
from apps.agents.domain.agent_weighting import NEUTRAL, bench_reason, weight_from
from apps.agents.models import Agent, AgentScore, Vote
from apps.agents.queries.vote_outcomes import (
    JUDGED_VOTES,
    LONGEST_WINDOW,
    Closes,
    ends_at,
    past_vote,
    returns_after,
)
from apps.market.domain import timeframes

SHOWN = 20  # problems told of; the rest is counted
SAME = 1e-9  # relative: powers and sums of floats may differ in the last digits between machines
TOGETHER = 1_000  # votes whose candles are read at once


@dataclass(frozen=True, slots=True)
class ScoresReport:
    """``checked``: rows by kind; ``unproven``: rows that can't be recomputed, by reason; ``problems``: one sentence
    each, empty when ``ok``.
    """

    ok: bool
    checked: dict[str, int]
    unproven: dict[str, int]
    problems: tuple[str, ...]


class _Findings:
    def __init__(self) -> None:
        self.checked = {"returns after votes": 0, "scores": 0, "weights in force": 0}
        self.unproven: dict[str, int] = {}
        self.problems: list[str] = []
        self.more = 0

    def wrong(self, sentence: str) -> None:
        if len(self.problems) < SHOWN:
            self.problems.append(sentence)
        else:
            self.more += 1

    def skip(self, reason: str) -> None:
        self.unproven[reason] = self.unproven.get(reason, 0) + 1

    def report(self) -> ScoresReport:
        more = [f"{self.more} more of these"] if self.more else []
        return ScoresReport(not self.problems, self.checked, self.unproven, (*self.problems, *more))


def verify_scores() -> ScoresReport:
    """Check all scores as of one moment, while the firm goes on. Call it outside a transaction."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return check_scores()


def check_scores() -> ScoresReport:
    """The same as the running transaction sees them."""
    found = _Findings()
    pairs = Vote.objects.filter(scored_at__isnull=False).values_list("round__symbol", "round__timeframe").distinct()
    for symbol, timeframe in pairs.order_by("round__symbol", "round__timeframe"):
        for votes in _scored_votes(symbol, timeframe):
            _check_returns(symbol, timeframe, votes, found)
    for agent in Agent.objects.order_by("name"):
        _check_agent(agent, found)
    return found.report()


def _scored_votes(symbol: str, timeframe: str) -> Iterator[list[Vote]]:
    """In the order of their bars, in groups whose candles fit into one window."""
    rows = (
        Vote.objects.filter(scored_at__isnull=False, round__symbol=symbol, round__timeframe=timeframe)
        .select_related("round", "agent")
        .order_by("round__closed_at", "id")
    )
    widest = timeframes.span(timeframe) * (LONGEST_WINDOW - 2)
    group: list[Vote] = []
    for vote in rows.iterator(TOGETHER):
        if group and (len(group) == TOGETHER or ends_at(vote) - group[0].round.closed_at > widest - _margin(vote)):
            yield group
            group = []
        group.append(vote)
    if group:
        yield group


def _margin(vote: Vote) -> timedelta:
    """Room for a vote of the group that looked further ahead than this one."""
    return timeframes.span(vote.round.timeframe) * 500


def _check_returns(symbol: str, timeframe: str, votes: list[Vote], found: _Findings) -> None:
    closes = Closes(symbol, timeframe, since=votes[0].round.closed_at, until=max(ends_at(vote) for vote in votes))
    for vote in votes:
        found.checked["returns after votes"] += 1
        told = returns_after(vote, closes)
        if told is None:
            found.skip("returns whose candles are stored no more")
        elif not (_same(told[0], vote.next_bar_bps) and _same(told[1], vote.horizon_bps)):
            found.wrong(
                f"{vote.agent} on {vote.round}: stored returns {vote.next_bar_bps:+.4f} and {vote.horizon_bps:+.4f}"
                f" bps; the candles say {told[0]:+.4f} and {told[1]:+.4f}."
            )


def _check_agent(agent: Agent, found: _Findings) -> None:
    record = _Record(agent.pk)
    newest: AgentScore | None = None
    for score in AgentScore.objects.filter(agent=agent).order_by("at"):
        newest = score
        if score.fee_bps is None or score.was_benched is None:
            found.skip("scores of before their inputs were kept")
            continue
        found.checked["scores"] += 1
        _check_score(agent, score, record.up_to(score), found)
    found.checked["weights in force"] += 1
    expected = newest.weight if newest is not None else NEUTRAL
    if not _same(expected, agent.weight):
        found.wrong(f"{agent}: its weight is {agent.weight:.6f}; its newest score gave {expected:.6f}.")


class _Record:
    """The votes of one agent in the order of their arrival, as far as they were scored by a time and count by then."""

    def __init__(self, agent_id: UUID) -> None:
        rows = Vote.objects.filter(agent_id=agent_id, scored_at__isnull=False).select_related("round").order_by("id")
        self._rows = [(vote.scored_at, past_vote(vote)) for vote in rows.iterator(TOGETHER)]

    def up_to(self, score: AgentScore) -> list[PastVote]:
        known = [vote for at, vote in self._rows if at is not None and at <= score.at]
        counted = [vote for vote in known if score.since is None or vote.closed_at > score.since]
        return counted[-JUDGED_VOTES:]


def _check_score(agent: Agent, score: AgentScore, record: list[PastVote], found: _Findings) -> None:
    told = score_votes(record, fee_bps=score.fee_bps or 0.0)
    weight, reason = weight_from(told), bench_reason(told, benched=bool(score.was_benched)) or ""
    pairs = {
        "votes": (score.votes, told.votes),
        "opinions": (score.opinions, told.opinions),
        "hits": (score.hits, told.hits),
        "hit rate": (score.hit_rate, told.hit_rate),
        "Brier score": (score.brier, told.brier),
        "profit in bps": (score.pnl_bps, told.pnl_bps),
        "weight": (score.weight, weight),
    }
    wrong = [f"{name} {kept}, recomputed {again}" for name, (kept, again) in pairs.items() if not _same(again, kept)]
    if bool(score.benched_reason) != bool(reason):
        wrong.append(f"benched: {score.benched_reason or 'no'}, recomputed: {reason or 'no'}")
    if wrong:
        found.wrong(f"{agent} at {score.at:%Y-%m-%d %H:%M}: {'; '.join(wrong)}.")


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=SAME, abs_tol=SAME)
