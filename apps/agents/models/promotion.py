"""Promotions: where a candidate stands, and every judgement of it with the gates as they were seen."""

import pgtrigger
from django.db import models
from django.db.models import Q

from apps.agents.domain.promotion.stages import MOVES, Stage
from apps.agents.models.agent import Agent
from apps.agents.models.neural_model import NeuralModel

STAGES = [(stage.value, stage.value.replace("_", "-")) for stage in Stage]


# A home belongs to one market for good, so that what was waived in practice never meets money.
NO_PRACTICE_ON_LIVE_PRICES = """
    IF NEW.model_id IS NOT NULL OR NOT EXISTS (SELECT FROM market_marketclock WHERE kind <> 'live') THEN
        RAISE EXCEPTION 'Promotion %: practice is for agents by rules, on generated or recorded prices', NEW.id
        USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""
WAIVED_IN_PRACTICE_ONLY = """
    IF NOT EXISTS (SELECT FROM agents_promotionjudgement j JOIN agents_promotion p ON p.id = j.promotion_id
                   WHERE j.id = NEW.judgement_id AND p.practice) THEN
        RAISE EXCEPTION 'Gate % of judgement %: a gate is waived in practice only', NEW.name, NEW.judgement_id
        USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


class JudgementOutcome(models.TextChoices):
    OPENED = "opened"
    ADVANCED = "advanced"
    REFUSED = "refused"  # somebody asked, and a gate was failed
    DEMOTED = "demoted"
    ENDED = "ended"


class Promotion(models.Model):
    """One agent's way from research to live. While it is open, the agent's votes count as the stage says."""

    id = models.UUIDField(primary_key=True)
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="promotions")
    model = models.ForeignKey(
        NeuralModel,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="promotions",
        help_text="The candidate that judges this agent's windows; empty where it judges by rules.",
    )
    stage = models.CharField(max_length=12, choices=STAGES, default=Stage.RESEARCH.value)
    since_firm = models.DateTimeField(help_text="When it came to its stage, firm time.")
    since_wall = models.DateTimeField()
    paper_days = models.PositiveIntegerField(help_text="How long it must be watched on paper, firm time.")
    canary_days = models.PositiveIntegerField(help_text="How long it must be watched as a canary, firm time.")
    practice = models.BooleanField(
        default=False,
        help_text="To see the way, on generated or recorded prices only: failed gates that judge it are waived.",
    )
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=120)
    ended_reason = models.TextField(default="", blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(stage__in=[name for name, _ in STAGES]), name="promotion_stage_known"),
            models.UniqueConstraint(
                fields=["agent"], condition=~Q(stage=Stage.ENDED.value), name="promotion_open_once_an_agent"
            ),
            models.CheckConstraint(
                condition=~Q(stage=Stage.ENDED.value) | ~Q(ended_reason=""), name="promotion_ended_for_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(paper_days__gte=1) & Q(canary_days__gte=1), name="promotion_watched_for_a_day"
            ),
        )
        triggers = (
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="facts_stay", fields=["agent", "model", "practice", "opened_at", "opened_by"]),
            pgtrigger.FSM(
                name="stage_moves", field="stage", transitions=[(one.value, other.value) for one, other in MOVES]
            ),
            pgtrigger.Trigger(
                name="no_practice_on_live_prices",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(new__practice=True),
                func=NO_PRACTICE_ON_LIVE_PRICES,
            ),
        )

    def __str__(self) -> str:
        return f"{self.agent} ({self.stage})"


class PromotionJudgement(models.Model):
    """Somebody or the record judged a candidate. ``actor`` and ``reason`` of an advance are the sign-off."""

    id = models.UUIDField(primary_key=True)
    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="judgements")
    outcome = models.CharField(max_length=8, choices=JudgementOutcome)
    before = models.CharField(max_length=12, choices=STAGES, default="", blank=True)
    after = models.CharField(max_length=12, choices=STAGES)
    at_firm = models.DateTimeField()
    at_wall = models.DateTimeField()
    actor = models.CharField(max_length=120)
    reason = models.TextField()

    class Meta:
        indexes = (models.Index(fields=["promotion", "at_wall"], name="judgement_of_promotion"),)
        constraints = (
            models.CheckConstraint(condition=Q(outcome__in=JudgementOutcome.values), name="judgement_outcome_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="judgement_has_a_reason"),
        )
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"{self.outcome}: {self.before or 'nothing'} to {self.after}"


class PromotionGate(models.Model):
    """One gate as it was when the candidate was judged."""

    judgement = models.ForeignKey(PromotionJudgement, on_delete=models.PROTECT, related_name="gates")
    place = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=60)
    required = models.TextField()
    seen = models.TextField()
    passed = models.BooleanField()
    pending = models.BooleanField(
        default=False, help_text="It was not passed, since time, votes or research were missing."
    )
    waived = models.BooleanField(default=False, help_text="It was not passed, and practice does not ask for it.")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["judgement", "name"], name="promotion_gate_once"),
            models.CheckConstraint(condition=~Q(passed=True, pending=True), name="promotion_gate_pending_not_passed"),
            models.CheckConstraint(condition=~Q(passed=True, waived=True), name="promotion_gate_waived_when_failed"),
        )
        triggers = (
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="waived_in_practice_only",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(new__waived=True),
                func=WAIVED_IN_PRACTICE_ONLY,
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}"

    @property
    def outcome(self) -> str:
        """How it came out, in a word or two."""
        if self.passed:
            return "passed"
        seen = "not yet" if self.pending else "failed"
        return f"{seen}, waived" if self.waived else seen
