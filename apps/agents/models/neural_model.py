"""The registry of models: what was trained, what it was worth, which one is in force."""

import pgtrigger
from django.db import models
from django.db.models import Q

FACTS = (
    "digest",
    "origin",
    "weights",
    "timeframe",
    "horizon_bars",
    "facts",
    "card",
    "passed",
    "created_at",
    "created_by",
)


# A model comes in force only at the end of its agent's way over paper and canary.
_PROMOTED_WITH_ITS_AGENT = """
    IF NOT EXISTS (SELECT FROM agents_promotion p WHERE p.model_id = NEW.id AND p.stage = 'live') THEN
        RAISE EXCEPTION 'Model %: it comes in force when the agent that is promoted with it goes live', NEW.id
        USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


class ModelState(models.TextChoices):
    """A candidate's votes are kept and scored, but not counted; those of the promoted model are."""

    CANDIDATE = "candidate"
    PROMOTED = "promoted"
    RETIRED = "retired"


class ModelOrigin(models.TextChoices):
    TRAINED = "trained"
    SHIPPED = "shipped"


class NeuralModel(models.Model):
    """One version. It holds its weights, so that a backup has them and each host of this database can load them."""

    id = models.UUIDField(primary_key=True)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the weights' file.")
    origin = models.CharField(max_length=8, choices=ModelOrigin)
    weights = models.BinaryField(help_text="The safetensors file.")
    timeframe = models.CharField(max_length=4)
    horizon_bars = models.PositiveIntegerField()
    facts = models.JSONField(help_text="What the weights are made for, as their file says.")
    card = models.JSONField(help_text="What was measured in training.")
    passed = models.BooleanField(help_text="Whether all gates of a promotion were passed.")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=120)
    state = models.CharField(max_length=9, choices=ModelState, default=ModelState.CANDIDATE)
    promoted_at = models.DateTimeField(null=True)
    promoted_by = models.CharField(max_length=120, default="", blank=True)
    promotion_reason = models.TextField(default="", blank=True)
    retired_at = models.DateTimeField(null=True)
    retired_by = models.CharField(max_length=120, default="", blank=True)
    retirement_reason = models.TextField(default="", blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["state"], condition=Q(state="promoted"), name="model_promoted_one_at_most"),
            models.CheckConstraint(condition=Q(state__in=ModelState.values), name="model_state_known"),
            models.CheckConstraint(condition=~Q(state="promoted") | Q(passed=True), name="model_promoted_has_passed"),
            models.CheckConstraint(
                condition=~Q(state="promoted")
                | (Q(promoted_at__isnull=False) & ~Q(promoted_by="") & ~Q(promotion_reason="")),
                name="model_promoted_for_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state="retired")
                | (Q(retired_at__isnull=False) & ~Q(retired_by="") & ~Q(retirement_reason="")),
                name="model_retired_for_a_reason",
            ),
            models.CheckConstraint(condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="model_digest_is_one"),
        )
        triggers = (
            pgtrigger.Trigger(
                name="in_force_by_promotion",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.state <> 'promoted' AND NEW.state = 'promoted'"),
                func=_PROMOTED_WITH_ITS_AGENT,
            ),
            pgtrigger.ReadOnly(name="facts_stay", fields=list(FACTS)),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.FSM(
                name="one_way",
                field="state",
                transitions=[("candidate", "promoted"), ("candidate", "retired"), ("promoted", "retired")],
            ),
        )

    def __str__(self) -> str:
        return f"{self.digest[:8]} ({self.state})"
