"""Promotions as the API and the screens show them."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from apps.agents.domain.promotion.canary_share import CANARY_SHARE
from apps.agents.domain.promotion.stage_gates import StageGate
from apps.agents.domain.promotion.stages import NEXT, Stage, unheard_because
from apps.agents.models import Promotion, PromotionGate, PromotionJudgement
from apps.agents.queries.promotion_evidence import stage_gates_of
from apps.foundation.clock import Moment
from apps.foundation.errors import NotFound
from apps.foundation.time_text import utc_text

JUDGEMENTS_SHOWN = 20


def all_promotions() -> QuerySet[Promotion]:
    """Every promotion with its agent and its model (without the weights)."""
    return Promotion.objects.select_related("agent", "model").defer("model__weights")


def found_promotion(promotion_id: UUID) -> Promotion:
    """The row. Raises ``NotFound`` with code ``unknown_promotion``."""
    row = all_promotions().filter(pk=promotion_id).first()
    if row is None:
        raise NotFound(f"There is no promotion {promotion_id}.", code="unknown_promotion")
    return row


def promotion_view(promotion_id: UUID, moment: Moment) -> dict[str, Any]:
    """One promotion; see ``promotion_lines``."""
    return promotion_lines([found_promotion(promotion_id)], moment)[0]


def promotion_lines(rows: Sequence[Promotion], moment: Moment) -> list[dict[str, Any]]:
    """Each with the gates of its next stage as they are met now, and its newest judgements with theirs as they were."""
    history = _judgements(row.pk for row in rows)
    return [_shown(row, history.get(row.pk, []), moment) for row in rows]


def _shown(row: Promotion, judgements: Sequence[PromotionJudgement], moment: Moment) -> dict[str, Any]:
    stage = Stage(row.stage)
    following = NEXT.get(stage)
    return {
        "id": str(row.pk),
        "agent_id": str(row.agent_id),
        "agent": row.agent.name,
        "strategy": row.agent.strategy,
        "model_id": str(row.model_id) if row.model_id else None,
        "model": row.model.digest if row.model else None,
        "stage": stage.value,
        "next_stage": following.value if following else None,
        "since": utc_text(row.since_firm),
        "paper_days": row.paper_days,
        "canary_days": row.canary_days,
        "canary_share": CANARY_SHARE,
        "practice": row.practice,
        "unheard": unheard_because(stage, row.ended_reason) or None,
        "opened_at": utc_text(row.opened_at),
        "opened_by": row.opened_by,
        "ended_reason": row.ended_reason or None,
        "gates": [_gate(gate) for gate in stage_gates_of(row, moment)],
        "judgements": [_judgement(one) for one in judgements[:JUDGEMENTS_SHOWN]],
    }


def _judgements(ids: Iterable[UUID]) -> dict[UUID, list[PromotionJudgement]]:
    rows = PromotionJudgement.objects.filter(promotion_id__in=list(ids)).order_by("-pk")  # in the order of writing
    found: dict[UUID, list[PromotionJudgement]] = {}
    for row in rows.prefetch_related(Prefetch("gates", PromotionGate.objects.order_by("place"))):
        found.setdefault(row.promotion_id, []).append(row)
    return found


def _judgement(row: PromotionJudgement) -> dict[str, Any]:
    return {
        "outcome": row.outcome,
        "before": row.before or None,
        "after": row.after,
        "at": utc_text(row.at_wall),
        "at_firm": utc_text(row.at_firm),
        "actor": row.actor,
        "reason": row.reason,
        "gates": [_gate(gate) for gate in row.gates.all()],
    }


def _gate(gate: StageGate | PromotionGate) -> dict[str, Any]:
    return {
        "name": gate.name,
        "required": gate.required,
        "seen": gate.seen,
        "passed": gate.passed,
        "pending": gate.pending,
        "waived": gate.waived,
    }
