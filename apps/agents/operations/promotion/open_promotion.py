"""Put an agent on the way from research to live: from now on its votes count only as its stage says."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.agents.domain.promotion import practice as practising
from apps.agents.domain.promotion.stages import Stage
from apps.agents.domain.strategies.registry import judges_by_model
from apps.agents.models import Agent, DesiredState, JudgementOutcome, ModelState, NeuralModel, Promotion
from apps.agents.operations.promotion.keep_judgement import keep_judgement
from apps.agents.queries.find_agent import found_agent
from apps.agents.queries.neural_models import found_model
from apps.agents.queries.promotion_views import promotion_view
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused
from apps.foundation.identifiers import new_id
from apps.market.queries import market_clock

PAPER_DAYS, CANARY_DAYS = 14, 7
LONGEST_WATCH = 365


def open_promotion(
    *,
    agent: UUID,
    actor: str,
    reason: str,
    moment: Moment,
    model: UUID | None = None,
    practice: bool = False,
    paper_days: int | None = None,
    canary_days: int | None = None,
) -> dict[str, Any]:
    """The promotion's view, on stage research. ``model``: the candidate that shall judge this agent's windows, for an
    agent that judges by a model. ``practice``: to see the way, see ``domain.promotion.practice``; its days are one each
    unless given, else 14 and 7.

    Raises ``NotFound``, ``Refused`` naming the field, ``Conflict`` where one is open already (``promotion_open``).
    """
    if not reason.strip():
        raise Refused("Say why: the reason is kept with the promotion.", code="required", field="reason")
    usual_paper, usual_canary = (practising.DAYS, practising.DAYS) if practice else (PAPER_DAYS, CANARY_DAYS)
    paper_days = usual_paper if paper_days is None else paper_days
    canary_days = usual_canary if canary_days is None else canary_days
    for field, days in (("paper_days", paper_days), ("canary_days", canary_days)):
        if not 1 <= days <= LONGEST_WATCH:
            told = f"{field} was {days}; it must lie between 1 and {LONGEST_WATCH}."
            raise Refused(told, code="out_of_range", field=field)
    row = found_agent(agent)
    if practice:
        _refuse_practice(row)
    candidate = _candidate(row, model)
    promotion = Promotion(
        id=new_id(),
        agent=row,
        model=candidate,
        since_firm=moment.firm,
        since_wall=moment.wall,
        paper_days=paper_days,
        canary_days=canary_days,
        practice=practice,
        opened_at=moment.wall,
        opened_by=actor,
    )
    try:
        with transaction.atomic():
            promotion.save(force_insert=True)
            keep_judgement(
                promotion,
                outcome=JudgementOutcome.OPENED,
                before="",
                after=Stage.RESEARCH,
                gates=(),
                actor=actor,
                reason=reason.strip(),
                moment=moment,
            )
    except IntegrityError as error:
        if "promotion_open_once_an_agent" not in str(error):
            raise
        raise Conflict(f"{row.name} is being promoted already.", code="promotion_open") from error
    return promotion_view(promotion.pk, moment)


def _refuse_practice(agent: Agent) -> None:
    if not market_clock().lock_step:
        told = "Practice waives gates; it is for MARKET=simulated or recorded, whose prices can never move money."
        raise Refused(told, code="practice_on_live_prices", field="practice")
    if judges_by_model(agent.strategy):
        told = (
            f"{agent.name} judges by a model, which would be put in force by gates that it failed. Practise with rules."
        )
        raise Refused(told, code="practice_with_a_model", field="practice")


def _candidate(agent: Agent, model: UUID | None) -> NeuralModel | None:
    if agent.desired_state == DesiredState.DESTROYED:
        raise Conflict(f"{agent.name} was destroyed; create another agent.", code="agent_destroyed")
    if not judges_by_model(agent.strategy):
        if model is not None:
            told = f"{agent.name} judges by rules; only an agent of the strategy neural takes a model."
            raise Refused(told, code="takes_no_model", field="model")
        return None
    if model is None:
        told = f"{agent.name} judges by a model; name the candidate of the registry that it shall try."
        raise Refused(told, code="required", field="model")
    row = found_model(model)
    if row.state != ModelState.CANDIDATE:
        raise Conflict(f"The model {row.digest[:16]} is {row.state}, not a candidate.", code="not_a_candidate")
    if row.timeframe != agent.timeframe:
        told = f"The model was trained on {row.timeframe} bars; {agent.name} votes on {agent.timeframe}."
        raise Refused(told, code="another_timeframe", field="model")
    return row
