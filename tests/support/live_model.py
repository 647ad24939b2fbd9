"""A model of the registry whose agent has gone the whole way of a promotion."""

from django.db import transaction

from apps.agents.models import Agent, NeuralModel, Promotion, locking
from apps.agents.operations.models_in_force import put_in_force
from apps.foundation.clock import Moment
from apps.foundation.identifiers import new_id


def go_live(model: NeuralModel, agent: Agent, moment: Moment, *, actor="test", reason="For a test.") -> Promotion:
    """Let ``agent`` be live with ``model``, and the model be in force, without the days that it takes."""
    with transaction.atomic():
        locking.take(locking.PROMOTING)
        promotion = Promotion.objects.create(
            id=new_id(),
            agent=agent,
            model=model,
            stage="live",
            since_firm=moment.firm,
            since_wall=moment.wall,
            paper_days=1,
            canary_days=1,
            opened_at=moment.wall,
            opened_by=actor,
        )
        put_in_force(model, actor=actor, reason=reason, moment=moment)
    return promotion
