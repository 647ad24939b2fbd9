"""Write down that a candidate was judged, with every gate as it was seen, within the running transaction."""

from collections.abc import Sequence

from apps.agents.domain.promotion.stage_gates import StageGate
from apps.agents.models import Promotion, PromotionGate, PromotionJudgement
from apps.agents.operations.tell_agent_change import tell_agent_change
from apps.foundation.clock import Moment
from apps.foundation.identifiers import new_id


def keep_judgement(
    promotion: Promotion,
    *,
    outcome: str,
    before: str,
    after: str,
    gates: Sequence[StageGate],
    actor: str,
    reason: str,
    moment: Moment,
) -> PromotionJudgement:
    """The judgement's row; screens are told and the audit record has it."""
    row = PromotionJudgement.objects.create(
        id=new_id(),
        promotion=promotion,
        outcome=outcome,
        before=before,
        after=after,
        at_firm=moment.firm,
        at_wall=moment.wall,
        actor=actor,
        reason=reason,
    )
    PromotionGate.objects.bulk_create(
        PromotionGate(
            judgement=row,
            place=place,
            name=gate.name,
            required=gate.required,
            seen=gate.seen,
            passed=gate.passed,
            pending=gate.pending,
            waived=gate.waived,
        )
        for place, gate in enumerate(gates)
    )
    payload: dict[str, object] = {
        "promotion": str(promotion.pk),
        "before": before,
        "after": after,
        "reason": reason,
        "failed": [gate.name for gate in gates if not gate.passed and not gate.pending],
        "pending": [gate.name for gate in gates if gate.pending],
    }
    if promotion.practice:
        payload |= {"practice": True, "waived": [gate.name for gate in gates if gate.waived]}
    tell_agent_change(agent=promotion.agent, action=f"promotion.{outcome}", actor=actor, payload=payload, moment=moment)
    return row
