"""Agents: who votes, on what, with which numbers, and whether it shall run."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.foundation.fields import MoneyField


class DesiredState(models.TextChoices):
    """What a person wants of an agent; the fleet converges to it."""

    RUNNING = "running"
    DRAINING = "draining"  # asked no more; runs on until the rounds that wait for its vote are closed
    STOPPED = "stopped"
    DESTROYED = "destroyed"


class AgentKind(models.TextChoices):
    TRADING_AGENT = "trading_agent"


class AgentOrigin(models.TextChoices):
    """Who brought an agent into the firm."""

    PERSON = "person"
    FIRST_START = "first start"
    SCALING = "scaling"
    AUTOSCALER = "autoscaler"


class Agent(models.Model):
    """One agent. It is never deleted: its votes and decisions stay explainable after it was destroyed."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=80, unique=True)
    type = models.CharField(max_length=20, choices=AgentKind, default=AgentKind.TRADING_AGENT)
    strategy = models.CharField(max_length=60)
    instruments = ArrayField(
        models.CharField(max_length=40), default=list, blank=True, help_text="Empty: the watch list."
    )
    timeframe = models.CharField(max_length=4)
    parameters = models.JSONField(default=dict, blank=True, help_text="What differs from the strategy's defaults.")
    resources = models.JSONField(default=dict, help_text='Such as {"memory": "1G", "cpu": 1.0}.')
    desired_state = models.CharField(max_length=10, choices=DesiredState, default=DesiredState.RUNNING)
    origin = models.CharField(max_length=12, choices=AgentOrigin, default=AgentOrigin.PERSON)
    drain_reason = models.TextField(
        default="", blank=True, help_text="Why scaling drained it; empty once a person decided otherwise."
    )
    weight = models.FloatField(default=1.0, help_text="Set by the scoreboard.")
    may_veto = models.BooleanField(default=False, help_text="A confident vote against stops a purchase.")
    benched_reason = models.TextField(
        default="", blank=True, help_text="While set, its votes are kept but do not count."
    )
    record_since = models.DateTimeField(
        null=True, blank=True, help_text="Firm time of its last change of settings; votes on later bars are its record."
    )
    budget = MoneyField(null=True, blank=True, help_text="Its sub-account; none: it only advises.")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(weight__gt=0.0, weight__lte=100.0), name="agent_weight_bounded"),
            models.CheckConstraint(
                condition=Q(desired_state__in=DesiredState.values), name="agent_desired_state_known"
            ),
            models.CheckConstraint(condition=Q(origin__in=AgentOrigin.values), name="agent_origin_known"),
            models.CheckConstraint(
                condition=~Q(desired_state=DesiredState.DRAINING) | ~Q(drain_reason=""),
                name="agent_drains_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(budget__isnull=True) | Q(budget__gte=0), name="agent_budget_not_negative"
            ),
        )

    def __str__(self) -> str:
        return self.name


class VoteCursor(models.Model):
    """How far an agent's stream was read, moved in the transaction that stores the vote. Since when it is silent."""

    agent = models.OneToOneField(Agent, on_delete=models.PROTECT, primary_key=True, related_name="cursor")
    entry_ms = models.BigIntegerField(default=0, help_text="First part of the last entry read: milliseconds.")
    entry_number = models.BigIntegerField(default=0, help_text="Second part: number within the millisecond.")
    silent_since = models.DateTimeField(null=True, help_text="Wall time of the first of the rounds it missed in a row.")
    missed_at = models.DateTimeField(null=True, help_text="Wall time of the last round it missed.")

    def __str__(self) -> str:
        return self.entry_id

    @property
    def entry_id(self) -> str:
        """The identifier of the last entry read, as Redis writes it."""
        return f"{self.entry_ms}-{self.entry_number}"
