"""Rounds and what was answered in them."""

from django.db import models
from django.db.models import Q

from apps.agents.models.agent import Agent


class RoundState(models.TextChoices):
    OPEN = "open"
    CLOSED = "closed"


class DecisionRound(models.Model):
    """One question: what about this instrument, now that this bar has closed? ``deadline_wall`` ends the wait for
    answers.
    """

    id = models.UUIDField(primary_key=True, help_text="Derived from symbol, timeframe and closed_at.")
    symbol = models.CharField(max_length=40)
    timeframe = models.CharField(max_length=4)
    closed_at = models.DateTimeField(help_text="Close of the bar in question, firm time.")
    opened_wall = models.DateTimeField()
    deadline_wall = models.DateTimeField()
    closed_wall = models.DateTimeField(null=True)
    state = models.CharField(max_length=6, choices=RoundState, default=RoundState.OPEN)
    asked = models.JSONField(
        default=list, help_text="Agents that were asked: id, name, weight, may_veto, benched_reason, canary."
    )
    absent = models.JSONField(
        default=list, help_text="Agents that could not be asked, with the reason: warming 37/200."
    )
    fee_bps = models.FloatField(help_text="Cost of one side, as told to the agents.")
    volatility = models.FloatField(default=0.0, help_text="Deviation of one bar's log return in the window, a share.")
    correlation_id = models.CharField(max_length=64)

    class Meta:
        indexes = (
            models.Index(fields=["closed_at", "symbol", "timeframe"], condition=Q(state="open"), name="round_open"),
            models.Index(fields=["symbol", "-closed_at"], name="round_of_symbol"),
        )
        constraints = (
            models.UniqueConstraint(fields=["symbol", "timeframe", "closed_at"], name="round_once_a_bar"),
            models.CheckConstraint(
                condition=Q(state="open", closed_wall__isnull=True) | Q(state="closed", closed_wall__isnull=False),
                name="round_closed_has_time",
            ),
        )

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} {self.closed_at:%Y-%m-%d %H:%M}"


class Vote(models.Model):
    """One agent's answer in one round. The returns that followed are filled in by the scoring, in basis points."""

    round = models.ForeignKey(DecisionRound, on_delete=models.PROTECT, related_name="votes")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="votes")
    direction = models.FloatField()
    confidence = models.FloatField()
    abstain = models.BooleanField(default=False)
    horizon_bars = models.PositiveIntegerField()
    expires_at = models.DateTimeField(help_text="Firm time.")
    data_as_of = models.DateTimeField(help_text="Close of the last bar it saw, firm time.")
    reason = models.TextField(default="", blank=True)
    digest = models.CharField(max_length=128, default="", blank=True, help_text="What voted: code and parameters.")
    correlation_id = models.CharField(max_length=64, default="", blank=True)
    received_wall = models.DateTimeField()
    next_bar_bps = models.FloatField(null=True)
    horizon_bps = models.FloatField(null=True)
    scored_at = models.DateTimeField(null=True, help_text="Firm time at which the returns above were filled in.")

    class Meta:
        indexes = (
            models.Index(fields=["agent", "-id"], name="vote_newest_of_agent"),
            models.Index(fields=["agent", "id"], condition=Q(horizon_bps__isnull=True), name="vote_not_scored"),
        )
        constraints = (
            models.UniqueConstraint(fields=["round", "agent"], name="vote_once_a_round"),
            models.CheckConstraint(
                condition=Q(direction__gte=-1.0, direction__lte=1.0), name="vote_direction_in_range"
            ),
            models.CheckConstraint(
                condition=Q(confidence__gte=0.0, confidence__lte=1.0), name="vote_confidence_in_range"
            ),
            models.CheckConstraint(condition=Q(horizon_bars__gte=1), name="vote_horizon_positive"),
        )

    def __str__(self) -> str:
        return "abstains" if self.abstain else f"{self.direction:+.2f} ({self.confidence:.2f})"


class VoteRefusal(models.Model):
    """What was wrong with an agent's messages: one row for each agent, code and hour, counted, so that a flood stays
    one row.
    """

    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="refusals")
    code = models.CharField(max_length=40)
    hour = models.DateTimeField(help_text="Wall clock, cut to the hour.")
    count = models.PositiveIntegerField(default=1)
    detail = models.TextField(help_text="Of the last one.")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["agent", "code", "hour"], name="refusal_once_an_hour"),)

    def __str__(self) -> str:
        return f"{self.code} x {self.count}"
