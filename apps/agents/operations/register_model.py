"""Put a model into the registry as a candidate. Its bytes are read and judged first."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.agents import ports
from apps.agents.domain.neural.model_facts import ModelRefusedError
from apps.agents.models import ModelOrigin, NeuralModel
from apps.agents.operations.train_model import TrainedModel
from apps.agents.queries.neural_models import model_view
from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.foundation.identifiers import derived_id


def register_model(*, trained: TrainedModel, actor: str, moment: Moment) -> dict[str, Any]:
    """The candidate's view; the same weights are registered once. Raises ``Refused`` for a file that is no model."""
    return _register(trained.content, trained.card, ModelOrigin.TRAINED, actor, moment)


def register_shipped_model(*, moment: Moment) -> dict[str, Any]:
    """The same for the model that comes with the package, held to the digest on its card. Needs no torch."""
    content, card = ports.engine().shipped()
    return _register(content, card, ModelOrigin.SHIPPED, "the package", moment)


def _register(
    content: bytes, card: Mapping[str, Any], origin: ModelOrigin, actor: str, moment: Moment
) -> dict[str, Any]:
    try:
        model = ports.engine().read(content, digest=str(card["digest"]))
    except ModelRefusedError as error:
        raise Refused(error.message, code=f"model_{error.code}", field="model") from error
    row = NeuralModel(
        id=derived_id("model", model.digest),
        digest=model.digest,
        origin=origin,
        weights=content,
        timeframe=model.facts.timeframe,
        horizon_bars=model.facts.horizon_bars,
        facts=model.facts.plain(),
        card=dict(card),
        passed=bool(card["passed"]),
        created_at=moment.wall,
        created_by=actor,
    )
    with transaction.atomic():
        if not NeuralModel.objects.filter(pk=row.pk).exists():
            NeuralModel.objects.bulk_create([row], ignore_conflicts=True)
            audit.append(
                chain=audit.OPERATIONS,
                action="model.registered",
                actor=actor,
                subject=f"model:{row.pk}",
                payload={"digest": row.digest, "origin": str(origin), "passed": row.passed},
                moment=moment,
            )
    return model_view(row.pk)
