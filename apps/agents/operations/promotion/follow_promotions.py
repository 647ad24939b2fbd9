"""After each scoring: what a heard candidate has shown since may take it back, without waiting for a person."""

from uuid import UUID

import structlog
from django.db import transaction

from apps.agents.domain.promotion.stage_gates import reason_to_fall, record_gates
from apps.agents.domain.promotion.stages import HEARD, OPEN, Stage
from apps.agents.models import JudgementOutcome, ModelState, Promotion, locking
from apps.agents.operations.models_in_force import take_out_of_force
from apps.agents.operations.promotion.end_promotion import end_within
from apps.agents.operations.promotion.keep_judgement import keep_judgement
from apps.agents.queries.promotion_evidence import paper_record
from apps.agents.queries.promotion_views import found_promotion
from apps.foundation.clock import Moment

FOLLOWER = "scoreboard"
log = structlog.get_logger(__name__)


def follow_promotions(*, moment: Moment) -> int:
    """Demote or end what its record or its model's end asks for; how many."""
    ids = Promotion.objects.filter(stage__in=OPEN).order_by("opened_at", "pk").values_list("pk", flat=True)
    return sum(_follow(promotion_id, moment) for promotion_id in list(ids))


@transaction.atomic
def _follow(promotion_id: UUID, moment: Moment) -> bool:
    locking.take(locking.PROMOTING)
    row = found_promotion(promotion_id)
    if row.stage == Stage.ENDED:
        return False
    if row.model is not None and row.model.state == ModelState.RETIRED:
        end_within(row, actor=FOLLOWER, reason="The model that it judges by was retired.", moment=moment)
        return True
    if Stage(row.stage) not in HEARD or row.practice:  # in practice a bad record is told, and stops nobody
        return False
    record = paper_record(row, moment)
    reason = reason_to_fall(record)
    if not reason:
        return False
    before = row.stage
    if before == Stage.LIVE and row.model is not None:  # a retired model never comes back, so neither does its way
        take_out_of_force(row.model, actor=FOLLOWER, reason=reason, moment=moment)
        end_within(row, actor=FOLLOWER, reason=reason, moment=moment)
        return True
    Promotion.objects.filter(pk=row.pk, stage=before).update(
        stage=Stage.PAPER, since_firm=moment.firm, since_wall=moment.wall
    )
    days = row.canary_days if before == Stage.CANARY else row.paper_days
    keep_judgement(
        row,
        outcome=JudgementOutcome.DEMOTED,
        before=before,
        after=Stage.PAPER,
        gates=record_gates(record, days=days),
        actor=FOLLOWER,
        reason=reason,
        moment=moment,
    )
    log.warning("promotion_demoted", agent=row.agent.name, before=before, reason=reason)
    return True
