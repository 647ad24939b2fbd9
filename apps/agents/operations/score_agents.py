"""Look at what the price did after each vote, and let the record set the agents' weights."""

from uuid import UUID

import structlog
from django.db import transaction

from apps.agents.domain.agent_scoring import Scores, score_votes
from apps.agents.domain.agent_weighting import bench_reason, weight_from
from apps.agents.models import Agent, AgentScore, DesiredState, Vote
from apps.agents.operations.promotion.follow_promotions import follow_promotions
from apps.agents.operations.tell_agent_change import tell_agent_change
from apps.agents.queries.vote_outcomes import JUDGED_VOTES, Closes, ends_at, past_vote, returns_after, side_fee_bps
from apps.foundation import outbox
from apps.foundation.clock import Moment

log = structlog.get_logger(__name__)

SCORER = "scoreboard"
LOOKED_AT = 2_000  # unscored votes taken up in one run


def score_agents(*, moment: Moment) -> int:
    """Fill in the returns that are known by now, score each agent that got new ones, and let candidates fall whose
    record asks for it; how many were scored.

    At most once an agent and firm time, each in one transaction: what a score was made of can be told afterwards
    (``verify_scores``).
    """
    ids = Agent.objects.exclude(desired_state=DesiredState.DESTROYED).order_by("pk").values_list("pk", flat=True)
    scored = sum(_score(agent_id, moment) for agent_id in list(ids))
    follow_promotions(moment=moment)
    return scored


@transaction.atomic
def _score(agent_id: UUID, moment: Moment) -> bool:
    agent = Agent.objects.select_for_update(no_key=True).get(pk=agent_id)  # votes that refer to it come in meanwhile
    if AgentScore.objects.filter(agent=agent, at=moment.firm).exists() or not _fill_returns(agent, moment):
        return False
    rows = Vote.objects.filter(agent=agent, scored_at__isnull=False).select_related("round").order_by("-id")
    if agent.record_since is not None:
        rows = rows.filter(round__closed_at__gt=agent.record_since)
    record = [past_vote(vote) for vote in rows[:JUDGED_VOTES]]
    fee_bps = side_fee_bps(record)
    scores = score_votes(record, fee_bps=fee_bps)
    was_benched = bool(agent.benched_reason)
    weight, reason = weight_from(scores), bench_reason(scores, benched=was_benched) or ""
    _store(agent, scores, fee_bps, weight=weight, reason=reason, moment=moment)
    Agent.objects.filter(pk=agent.pk).update(weight=weight, benched_reason=reason)
    if was_benched != bool(reason):
        action = "agent.benched" if reason else "agent.returned"
        tell_agent_change(agent=agent, action=action, actor=SCORER, payload={"reason": reason}, moment=moment)
    else:
        outbox.record_event(kind="agent.changed", aggregate=f"agent:{agent.pk}", payload={"agent_id": str(agent.pk)})
    log.info("agent_scored", agent=agent.name, brier=scores.brier, pnl_bps=scores.pnl_bps, weight=weight)
    return True


def _fill_returns(agent: Agent, moment: Moment) -> int:
    waiting = Vote.objects.filter(agent=agent, horizon_bps__isnull=True).select_related("round").order_by("id")
    groups: dict[tuple[str, str], list[Vote]] = {}
    for vote in waiting[:LOOKED_AT]:
        if ends_at(vote) <= moment.firm:
            groups.setdefault((vote.round.symbol, vote.round.timeframe), []).append(vote)
    known: list[Vote] = []
    for (symbol, timeframe), votes in sorted(groups.items()):
        since = min(vote.round.closed_at for vote in votes)
        closes = Closes(symbol, timeframe, since=since, until=moment.firm)
        for vote in votes:
            if (returns := returns_after(vote, closes)) is not None:
                vote.next_bar_bps, vote.horizon_bps = returns
                vote.scored_at = moment.firm
                known.append(vote)
    Vote.objects.bulk_update(known, ["next_bar_bps", "horizon_bps", "scored_at"], batch_size=500)
    return len(known)


def _store(agent: Agent, scores: Scores, fee_bps: float, *, weight: float, reason: str, moment: Moment) -> None:
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
        fee_bps=fee_bps,
        was_benched=bool(agent.benched_reason),
        since=agent.record_since,
        weight=weight,
        benched_reason=reason,
    )
