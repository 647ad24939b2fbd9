"""What speaks for or against a candidate: stored research, the model's card, its votes since its stage began."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Sum

from apps.agents.domain.agent_scoring import score_votes
from apps.agents.domain.promotion import stage_gates as gates
from apps.agents.domain.promotion.practice import in_practice
from apps.agents.domain.promotion.stages import Stage
from apps.agents.domain.strategies.parameter_values import ParameterError, parameter_values
from apps.agents.domain.strategies.registry import UnknownStrategyError, strategy_class
from apps.agents.models import Agent, BacktestRun, Promotion, RunState, SearchRun, Vote, VoteRefusal
from apps.agents.queries.backtest_views import backtest_line
from apps.agents.queries.search_views import search_line
from apps.agents.queries.vote_outcomes import JUDGED_VOTES, past_votes, side_fee_bps
from apps.foundation.clock import Moment

LOOKED_AT = 200  # finished runs, newest first
MOST_VOTES = 50_000  # of a stage; a fortnight of ten instruments on five-minute bars has 40,000
DAY = timedelta(days=1)


def stage_gates_of(promotion: Promotion, moment: Moment) -> tuple[gates.StageGate, ...]:
    """The gates that lead out of the candidate's stage upwards, as they are met now; none at the end of the way."""
    found = _gates_of(promotion, moment)
    return in_practice(found) if promotion.practice else found


def _gates_of(promotion: Promotion, moment: Moment) -> tuple[gates.StageGate, ...]:
    stage, agent = Stage(promotion.stage), promotion.agent
    if stage == Stage.RESEARCH:
        if promotion.model is not None:
            return gates.card_gates(promotion.model.card["gates"])
        return gates.research_gates(_wanted(agent), _backtest_of(agent))
    if stage == Stage.WALK_FORWARD:
        if promotion.model is not None:  # its card was measured by walk-forward
            return gates.card_gates(promotion.model.card["gates"])
        return gates.walk_forward_gates(f"{agent.strategy} on {agent.timeframe}", _search_of(agent))
    if stage in {Stage.PAPER, Stage.CANARY}:
        days = promotion.paper_days if stage == Stage.PAPER else promotion.canary_days
        return gates.record_gates(paper_record(promotion, moment, newest=MOST_VOTES), days=days)
    return ()


def paper_record(promotion: Promotion, moment: Moment, *, newest: int = JUDGED_VOTES) -> gates.PaperRecord:
    """The ``newest`` votes since the stage began whose outcome is known, scored as the scoreboard does.

    A fall is judged by as many as the scoreboard looks at, a rise by all of the stage: an agent that seldom has an
    opinion would never come to a hundred among the last few hundred votes, and good last hours would hide bad weeks.
    """
    since = Vote.objects.filter(agent=promotion.agent, round__closed_at__gte=promotion.since_firm)
    record = past_votes(since.filter(scored_at__isnull=False).order_by("-id")[:newest])
    refusals = VoteRefusal.objects.filter(agent=promotion.agent, first_at__gte=promotion.since_wall)
    return gates.PaperRecord(
        days=(moment.firm - promotion.since_firm) / DAY,
        scores=score_votes(record, fee_bps=side_fee_bps(record)),
        refused=refusals.aggregate(total=Sum("count"))["total"] or 0,
        versions=since.filter(abstain=False).values("digest").distinct().count(),
        benched_reason=promotion.agent.benched_reason,
    )


def _wanted(agent: Agent) -> str:
    numbers = ", ".join(f"{name} {value:g}" for name, value in sorted(agent.parameters.items()))
    return f"{agent.strategy} alone ({numbers or 'its defaults'}) on {agent.timeframe}"


def _backtest_of(agent: Agent) -> dict[str, Any] | None:
    """The newest finished backtest of nothing but this strategy with these parameters."""
    own = _numbers(agent.strategy, agent.parameters)
    runs = BacktestRun.objects.filter(state=RunState.DONE).defer("curve").order_by("-ended_at", "-pk")
    for row in runs[:LOOKED_AT]:
        given = row.wish["strategies"]
        if len(given) == 1 and given[0]["name"] == agent.strategy and own is not None:
            timeframe = given[0].get("timeframe") or row.wish["timeframe"]
            if timeframe == agent.timeframe and _numbers(agent.strategy, given[0]["parameters"]) == own:
                line = backtest_line(row)
                days = (row.metrics.get("luck") or {}).get("days") or {}
                told = {
                    "id": line["id"],
                    "ended_at": line["ended_at"],
                    "luck_probability": days.get("luck_probability"),
                }
                return line["headline"] | told
    return None


def _search_of(agent: Agent) -> dict[str, Any] | None:
    """The newest finished search over this strategy."""
    runs = SearchRun.objects.filter(state=RunState.DONE).order_by("-ended_at", "-pk")
    for row in runs[:LOOKED_AT]:
        if row.wish["strategy"] == agent.strategy and row.wish["timeframe"] == agent.timeframe:
            line = search_line(row)
            return line["headline"] | {"id": line["id"], "ended_at": line["ended_at"]}
    return None


def _numbers(strategy: str, given: Mapping[str, object]) -> dict[str, float] | None:
    try:
        return parameter_values(strategy_class(strategy).parameters, given)
    except (ParameterError, UnknownStrategyError):
        return None
