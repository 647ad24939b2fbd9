"""What promotions mean for the rounds: who is unheard and why, who is a canary, who has a model of its own."""

from dataclasses import dataclass
from uuid import UUID

from apps.agents.domain.promotion.stages import Stage, unheard_because
from apps.agents.models import ModelState, Promotion


@dataclass(frozen=True, slots=True)
class Standing:
    """``stage`` of the promotion; ``unheard`` says why the agent's votes are kept but not counted, empty where they
    count; ``model``: what judges its windows instead of the model in force; ``practice``: its gates were waived.
    """

    stage: str
    unheard: str
    model: UUID | None
    practice: bool

    @property
    def is_canary(self) -> bool:
        """Whether its votes count, but only a little."""
        return self.stage == Stage.CANARY

    @property
    def heard_in_practice(self) -> bool:
        """Whether its votes count whatever its record is: practice shows what each stage does."""
        return self.practice and not self.unheard


def promotion_standings() -> dict[UUID, Standing]:
    """By agent, of its newest promotion; an agent that was never put on the way is left out."""
    rows = Promotion.objects.order_by("agent_id", "-opened_at").distinct("agent_id").select_related("model")
    return {row.agent_id: _standing(row) for row in rows.defer("model__weights", "model__card", "model__facts")}


def _standing(row: Promotion) -> Standing:
    stage = Stage(row.stage)
    usable = row.model is not None and row.model.state != ModelState.RETIRED and stage != Stage.ENDED
    return Standing(
        stage=stage.value,
        unheard=unheard_because(stage, row.ended_reason),
        model=row.model_id if usable else None,
        practice=row.practice,
    )
