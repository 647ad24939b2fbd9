"""The registry of models as the API shows it, and which one judges."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Case, IntegerField, QuerySet, Value, When

from apps.agents.models import ModelOrigin, ModelState, NeuralModel
from apps.foundation.errors import NotFound
from apps.foundation.time_text import utc_text

WITHOUT_WEIGHTS = ("weights",)


@dataclass(frozen=True, slots=True)
class ModelInForce:
    """The model that judges; ``unheard`` says why its votes are kept but not counted, empty where they count."""

    id: UUID
    digest: str
    unheard: str


def model_in_force() -> ModelInForce | None:
    """The promoted model; without one the newest shipped candidate, unheard; None where there is neither."""
    order = Case(When(state=ModelState.PROMOTED, then=Value(0)), default=Value(1), output_field=IntegerField())
    row = (
        NeuralModel.objects.exclude(state=ModelState.RETIRED)
        .exclude(state=ModelState.CANDIDATE, origin=ModelOrigin.TRAINED)
        .order_by(order, "-created_at", "pk")
        .only("id", "digest", "state")
        .first()
    )
    if row is None:
        return None
    unheard = "" if row.state == ModelState.PROMOTED else f"its model {row.digest[:8]} is a candidate, not promoted"
    return ModelInForce(row.pk, row.digest, unheard)


def all_models() -> QuerySet[NeuralModel]:
    """Every model without its weights."""
    return NeuralModel.objects.defer(*WITHOUT_WEIGHTS)


def found_model(model_id: UUID) -> NeuralModel:
    """The row without its weights. Raises ``NotFound`` with code ``unknown_model``."""
    row = all_models().filter(pk=model_id).first()
    if row is None:
        raise NotFound(f"There is no model {model_id}.", code="unknown_model")
    return row


def model_view(model_id: UUID) -> dict[str, Any]:
    """One model; see ``shown_model``."""
    return shown_model(found_model(model_id))


def shown_model(row: NeuralModel) -> dict[str, Any]:
    """A model with what was measured in training, as JSON."""
    return {
        "id": str(row.pk),
        "digest": row.digest,
        "origin": row.origin,
        "state": row.state,
        "timeframe": row.timeframe,
        "horizon_bars": row.horizon_bars,
        "passed": row.passed,
        "facts": row.facts,
        "card": row.card,
        "created_at": utc_text(row.created_at),
        "created_by": row.created_by,
        "promoted_at": utc_text(row.promoted_at),
        "promoted_by": row.promoted_by or None,
        "promotion_reason": row.promotion_reason or None,
        "retired_at": utc_text(row.retired_at),
        "retired_by": row.retired_by or None,
        "retirement_reason": row.retirement_reason or None,
    }
