"""Every decision about the fleet's size, the autoscaler's and people's, with what it was made from."""

import pgtrigger
from django.db import models
from django.db.models import Q

from apps.management.domain.autoscaling import Action

ACTIONS = [(action.value, action.value) for action in Action]


class ScalingDecision(models.Model):
    """One look of the autoscaler, or one request of a person. ``at`` is wall time, ``firm_at`` firm time."""

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    firm_at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    action = models.CharField(max_length=16, choices=ACTIONS)
    code = models.CharField(max_length=40)
    reason = models.TextField()
    inputs = models.JSONField(help_text="What it was decided from.")
    plan = models.JSONField(default=dict, blank=True, help_text="What was done about it.")
    policy_version = models.PositiveIntegerField(null=True, blank=True, help_text="Of the autoscaler; none: a person.")
    hot = models.BooleanField(default=False, help_text="Whether the market counted as volatile.")
    wish = models.CharField(max_length=120, blank=True, default="", help_text="What was wanted and not yet done.")
    wish_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(action__in=[value for value, _ in ACTIONS]), name="scaling_action_known"
            ),
            models.CheckConstraint(
                condition=Q(wish="", wish_since__isnull=True) | (~Q(wish="") & Q(wish_since__isnull=False)),
                name="scaling_wish_since_when",
            ),
        )
        indexes = (
            models.Index(fields=["-at", "-id"], name="scaling_newest"),
            models.Index(fields=["-at"], condition=~Q(action="nothing"), name="scaling_newest_act"),
        )
        triggers = (pgtrigger.Protect(name="never_changed", operation=pgtrigger.Update),)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action}"
