"""Drills that somebody started on the running practice firm, and what became of them."""

from django.db import models
from django.db.models import Q


class DrillState(models.TextChoices):
    WAITING = "waiting"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


class DrillRun(models.Model):
    """``steps``: ``[[seconds, text], ...]`` from the start on; ``problems``: sentences. Wall clock."""

    id = models.UUIDField(primary_key=True)
    scenario = models.CharField(max_length=12)
    reason = models.TextField()
    requested_by = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=DrillState, default=DrillState.WAITING)
    seed = models.BigIntegerField()
    steps = models.JSONField(default=list, blank=True)
    problems = models.JSONField(default=list, blank=True)
    recovery_seconds = models.FloatField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(state__in=DrillState.values), name="drill_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running"], ended_at__isnull=True)
                | Q(state__in=["passed", "failed"], ended_at__isnull=False),
                name="drill_ended_has_a_time",
            ),
        )
        indexes = (models.Index(fields=["-requested_at"], name="drill_newest"),)

    def __str__(self) -> str:
        return f"{self.scenario} {self.state}"
