"""Take a candidate off the way: by a person for a reason, or because its settings are no more those that were shown."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.agents.domain.promotion.stages import OPEN, Stage
from apps.agents.models import Agent, JudgementOutcome, Promotion, locking
from apps.agents.operations.promotion.keep_judgement import keep_judgement
from apps.agents.queries.promotion_views import found_promotion, promotion_view
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused


def end_promotion(*, promotion_id: UUID, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """The ended promotion's view. Its agent stays unheard until another promotion is opened for it and passed.

    Raises ``NotFound``, ``Refused`` without a reason, ``Conflict`` where it has ended.
    """
    if not reason.strip():
        raise Refused("Say why: the reason is kept with the promotion.", code="required", field="reason")
    with transaction.atomic():
        locking.take(locking.PROMOTING)
        row = found_promotion(promotion_id)
        if row.stage == Stage.ENDED:
            raise Conflict("This promotion has ended already.", code="promotion_ended")
        end_within(row, actor=actor, reason=reason.strip(), moment=moment)
    return promotion_view(promotion_id, moment)


def end_within(row: Promotion, *, actor: str, reason: str, moment: Moment) -> None:
    """End it within the running transaction, which holds the lock of promoting."""
    before = row.stage
    Promotion.objects.filter(pk=row.pk, stage=before).update(
        stage=Stage.ENDED, ended_reason=reason, since_firm=moment.firm, since_wall=moment.wall
    )
    keep_judgement(
        row,
        outcome=JudgementOutcome.ENDED,
        before=before,
        after=Stage.ENDED,
        gates=(),
        actor=actor,
        reason=reason,
        moment=moment,
    )


def end_with_agent(agent: Agent, *, actor: str, moment: Moment) -> None:
    """Within the transaction that destroyed an agent: nobody can sign off what votes no more."""
    locking.take(locking.PROMOTING)
    row = Promotion.objects.filter(agent=agent, stage__in=OPEN).first()
    if row is not None:
        end_within(row, actor=actor, reason=f"{agent.name} was destroyed.", moment=moment)


def back_to_research(agent: Agent, *, actor: str, changed: str, moment: Moment) -> None:
    """Within the transaction that changed an agent's settings: what it had shown was shown by other ones."""
    locking.take(locking.PROMOTING)
    row = Promotion.objects.filter(agent=agent, stage__in=OPEN).exclude(stage=Stage.RESEARCH).first()
    if row is None:
        return
    before = row.stage
    Promotion.objects.filter(pk=row.pk, stage=before).update(
        stage=Stage.RESEARCH, since_firm=moment.firm, since_wall=moment.wall
    )
    keep_judgement(
        row,
        outcome=JudgementOutcome.DEMOTED,
        before=before,
        after=Stage.RESEARCH,
        gates=(),
        actor=actor,
        reason=f"Its settings changed ({changed}): it has to show again what it can.",
        moment=moment,
    )
