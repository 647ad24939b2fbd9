"""The life of stored research: who asked, how it stands, who works on it, how it ended. Wall clock throughout."""

from typing import ClassVar, Self

import pgtrigger
from django.db import models
from django.db.models import Q


class RunState(models.TextChoices):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


UNDER_WAY = (RunState.QUEUED, RunState.RUNNING)
ENDED = (RunState.DONE, RunState.FAILED, RunState.CANCELED)
# What lost its worker is queued again.
STEPS = (
    (RunState.QUEUED, RunState.RUNNING),
    (RunState.QUEUED, RunState.FAILED),
    (RunState.QUEUED, RunState.CANCELED),
    (RunState.RUNNING, RunState.QUEUED),
    *((RunState.RUNNING, end) for end in ENDED),
)


class ResearchWork(models.Model):
    """Anything of research that begins, may fail, and ends."""

    id = models.UUIDField(primary_key=True)
    state = models.CharField(max_length=10, choices=RunState, default=RunState.QUEUED)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(default="", blank=True, help_text="Why it failed or was canceled, in a sentence.")

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        abstract = True
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="%(class)s_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=UNDER_WAY, ended_at__isnull=True) | Q(state__in=ENDED, ended_at__isnull=False),
                name="%(class)s_ended_has_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=RunState.FAILED) | ~Q(problem=""), name="%(class)s_failed_says_why"
            ),
        )
        triggers = (pgtrigger.FSM(name="state_steps", field="state", transitions=list(STEPS)),)

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"


class AskedRun(ResearchWork):
    """What a person asked for. ``wish``: in the words of the API."""

    wish = models.JSONField()
    requested_by = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    progress = models.FloatField(default=0.0, help_text="0 to 1.")
    step = models.CharField(max_length=200, default="", blank=True, help_text="What it is doing, in words.")

    class Meta(ResearchWork.Meta):
        abstract = True
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            *ResearchWork.Meta.constraints,
            models.CheckConstraint(condition=Q(progress__gte=0.0, progress__lte=1.0), name="%(class)s_progress"),
        )
        indexes: ClassVar[tuple[models.Index, ...]] = (models.Index(fields=["-requested_at"], name="%(class)s_newest"),)


class ClaimedWork(ResearchWork):
    """One worker's piece. While it runs, ``claim`` names the try that works on it and ``beat_at`` shows that it lives;
    ``queued_at``: since when it waits, or waited, for a worker.
    """

    claim = models.UUIDField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    queued_at = models.DateTimeField()
    beat_at = models.DateTimeField(null=True, blank=True)

    class Meta(ResearchWork.Meta):
        abstract = True
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.CheckConstraint(
                condition=Q(state=RunState.RUNNING, claim__isnull=False, beat_at__isnull=False)
                | (~Q(state=RunState.RUNNING) & Q(claim__isnull=True)),
                name="%(class)s_running_is_claimed",
            ),
        )
        indexes: ClassVar[tuple[models.Index, ...]] = (
            models.Index(fields=["queued_at"], condition=Q(state__in=UNDER_WAY), name="%(class)s_under_way"),
        )
