"""One stage up: past all gates, signed off by a person for a reason. What was seen is kept, also of a refusal."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.agents.domain.promotion.stage_gates import StageGate
from apps.agents.domain.promotion.stages import NEXT, Stage
from apps.agents.models import JudgementOutcome, Promotion, locking
from apps.agents.operations.models_in_force import put_in_force
from apps.agents.operations.promotion.keep_judgement import keep_judgement
from apps.agents.queries.promotion_evidence import stage_gates_of
from apps.agents.queries.promotion_views import found_promotion, promotion_view
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused


def advance_promotion(*, promotion_id: UUID, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """The promotion's view on its new stage. A candidate's model is put in force when its agent goes live. In practice
    failed gates that judge the candidate are waived, and kept as failed.

    Raises ``NotFound``, ``Refused`` without a reason, ``Conflict`` at the end of the way (``no_next_stage``) and where
    a gate is failed or not met yet (``gates_failed``, naming each; the judgement is stored).
    """
    if not reason.strip():
        raise Refused("Say why: your sign-off is kept with the promotion.", code="required", field="reason")
    closed = _advance(promotion_id, actor, reason.strip(), moment)
    if closed:
        raise Conflict(_told(closed), code="gates_failed")
    return promotion_view(promotion_id, moment)


def _told(closed: Sequence[StageGate]) -> str:
    """What it failed, and what it only has not met yet."""
    failed, pending = ([gate for gate in closed if gate.pending is pends] for pends in (False, True))
    sentences = []
    if failed:
        sentences.append(f"It failed {'a gate' if len(failed) == 1 else f'{len(failed)} gates'}: {_named(failed)}.")
    if pending:
        count = "A gate is" if len(pending) == 1 else f"{len(pending)} gates are"
        sentences.append(f"{count} not met yet: {_named(pending)}.")
    return " ".join(sentences)


def _named(gates: Sequence[StageGate]) -> str:
    return "; ".join(f"{gate.name} (required: {gate.required}; seen: {gate.seen})" for gate in gates)


@transaction.atomic
def _advance(promotion_id: UUID, actor: str, reason: str, moment: Moment) -> Sequence[StageGate]:
    locking.take(locking.PROMOTING)
    row = found_promotion(promotion_id)
    stage = Stage(row.stage)
    if stage not in NEXT:
        raise Conflict(f"{row.agent.name} is on stage {stage}, which has no next one.", code="no_next_stage")
    gates = stage_gates_of(row, moment)
    closed = [gate for gate in gates if not gate.opens]
    after = stage if closed else NEXT[stage]
    outcome = JudgementOutcome.REFUSED if closed else JudgementOutcome.ADVANCED
    if not closed:
        Promotion.objects.filter(pk=row.pk, stage=stage).update(
            stage=after, since_firm=moment.firm, since_wall=moment.wall
        )
        if after == Stage.LIVE and row.model is not None:
            put_in_force(row.model, actor=actor, reason=reason, moment=moment)
    keep_judgement(
        row, outcome=outcome, before=stage, after=after, gates=gates, actor=actor, reason=reason, moment=moment
    )
    return closed
