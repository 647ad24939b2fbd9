"""Decisions: what a round came to, with everything it takes to explain it later."""

import pgtrigger
from django.db import models
from django.db.models import Q

from apps.agents.models.decision_round import DecisionRound


class Outcome(models.TextChoices):
    """ORDER: trading accepted one. DENIED: the gate refused. NO_TRADE: nothing worth doing. SKIPPED: it could not be
    asked.
    """

    ORDER = "ORDER"
    DENIED = "DENIED"
    NO_TRADE = "NO_TRADE"
    SKIPPED = "SKIPPED"


class Decision(models.Model):
    """Written once, when its round closes. Scores and weights are stored as they were, so that it can be recomputed."""

    id = models.UUIDField(
        primary_key=True, help_text="Derived from the round, so that a repeated close finds the same order."
    )
    round = models.OneToOneField(DecisionRound, on_delete=models.PROTECT, related_name="decision")
    symbol = models.CharField(max_length=40)
    timeframe = models.CharField(max_length=4)
    closed_at = models.DateTimeField(help_text="Firm time.")
    decided_wall = models.DateTimeField()
    method = models.CharField(max_length=12)
    rules = models.JSONField(default=dict, help_text="The consensus policy as it was.")
    score = models.FloatField(default=0.0)
    target = models.FloatField(
        null=True, help_text="Wanted share of the largest allowed position; none: keep what there is."
    )
    held = models.FloatField(null=True, help_text="Share of the largest allowed position that was held.")
    expected_edge_bps = models.FloatField(null=True)
    horizon_bars = models.PositiveIntegerField(default=1)
    opinions = models.PositiveIntegerField(default=0)
    in_favour = models.PositiveIntegerField(default=0)
    contributions = models.JSONField(
        default=list, help_text="Per agent: weight, direction, confidence, counted, share, note."
    )
    sizing = models.JSONField(default=dict)
    outcome = models.CharField(max_length=10, choices=Outcome)
    code = models.CharField(max_length=60)
    reason = models.TextField()
    order_id = models.UUIDField(null=True, db_index=True)
    headline = models.TextField()
    correlation_id = models.CharField(max_length=64)

    class Meta:
        indexes = (
            models.Index(fields=["-closed_at", "symbol", "timeframe"], name="decision_newest"),
            models.Index(fields=["symbol", "-closed_at"], name="decision_of_symbol"),
            models.Index(fields=["-closed_at"], condition=Q(outcome="DENIED"), name="decision_denied"),
        )
        constraints = (
            models.CheckConstraint(condition=Q(score__gte=-1.0, score__lte=1.0), name="decision_score_in_range"),
            models.CheckConstraint(
                condition=Q(target__isnull=True) | Q(target__gte=0.0, target__lte=1.0), name="decision_target_in_range"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="ORDER") | Q(order_id__isnull=False), name="decision_order_has_id"
            ),
        )
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),)

    def __str__(self) -> str:
        return self.headline
