"""The scoreboard's history: each scoring of an agent, with the weight it led to."""

import pgtrigger
from django.db import models

from apps.agents.models.agent import Agent


class AgentScore(models.Model):
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="scores")
    at = models.DateTimeField(help_text="Firm time up to which prices were looked at.")
    scored_wall = models.DateTimeField()
    votes = models.PositiveIntegerField()
    opinions = models.PositiveIntegerField()
    hits = models.PositiveIntegerField()
    hit_rate = models.FloatField(null=True)
    brier = models.FloatField(null=True)
    pnl_bps = models.FloatField(help_text="Net of costs, long only, in basis points of a full position.")
    fee_bps = models.FloatField(null=True, help_text="What one side cost, as counted.")
    was_benched = models.BooleanField(null=True, help_text="Whether it was benched when it was judged.")
    since = models.DateTimeField(null=True, help_text="Votes on bars after this firm time counted; none: all.")
    weight = models.FloatField()
    benched_reason = models.TextField(default="", blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["agent", "at"], name="score_once_a_time"),)
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"{self.agent} {self.at:%Y-%m-%d %H:%M}"
