"""Put a candidate in force when its agent goes live, or take a model out of it: by a person, for a reason."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.agents.models import ModelState, NeuralModel, locking
from apps.agents.queries.neural_models import found_model, model_view
from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused


def put_in_force(row: NeuralModel, *, actor: str, reason: str, moment: Moment) -> None:
    """Let it judge for all, within the transaction in which its agent went live and which holds the lock of promoting.

    The model that was in force is retired. Raises ``Conflict`` for what is no candidate (``not_a_candidate``) or failed
    a gate of its card (``gates_failed``, naming each).
    """
    _check(row)
    for old in NeuralModel.objects.filter(state=ModelState.PROMOTED):
        take_out_of_force(old, actor=actor, reason=f"Replaced by {row.digest[:16]}.", moment=moment)
    NeuralModel.objects.filter(pk=row.pk, state=ModelState.CANDIDATE).update(
        state=ModelState.PROMOTED, promoted_at=moment.wall, promoted_by=actor, promotion_reason=reason
    )
    _tell("model.promoted", row, actor, reason, moment)


def retire_model(*, model_id: UUID, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """The retired model's view; it never comes back. Raises ``NotFound``, ``Refused``, ``Conflict``."""
    told = _required(reason)
    with transaction.atomic():
        locking.take(locking.PROMOTING)
        row = found_model(model_id)
        if row.state == ModelState.RETIRED:
            raise Conflict(f"The model {row.digest[:16]} is retired already.", code="model_retired")
        take_out_of_force(row, actor=actor, reason=told, moment=moment)
    return model_view(model_id)


def take_out_of_force(row: NeuralModel, *, actor: str, reason: str, moment: Moment) -> None:
    """Retire it within the running transaction, which holds the lock of promoting; one that is retired stays so."""
    NeuralModel.objects.filter(pk=row.pk).exclude(state=ModelState.RETIRED).update(
        state=ModelState.RETIRED, retired_at=moment.wall, retired_by=actor, retirement_reason=reason
    )
    _tell("model.retired", row, actor, reason, moment)


def _check(row: NeuralModel) -> None:
    if row.state != ModelState.CANDIDATE:
        raise Conflict(f"The model {row.digest[:16]} is {row.state}, not a candidate.", code="not_a_candidate")
    failed = [f"{gate['name']} ({gate['detail']})" for gate in row.card["gates"] if not gate["passed"]]
    if failed or not row.passed:
        raise Conflict(
            f"The model {row.digest[:16]} failed {len(failed)} of {len(row.card['gates'])} gates: {'; '.join(failed)}.",
            code="gates_failed",
        )


def _required(reason: str) -> str:
    if not reason.strip():
        raise Refused("Say why: the reason is kept with the model.", code="required", field="reason")
    return reason.strip()


def _tell(action: str, row: NeuralModel, actor: str, reason: str, moment: Moment) -> None:
    audit.append(
        chain=audit.OPERATIONS,
        action=action,
        actor=actor,
        subject=f"model:{row.pk}",
        payload={"digest": row.digest, "reason": reason},
        moment=moment,
    )
