"""Agents that another instance found good, proposed to this firm: nothing trades by them before a person adopts one."""

import pgtrigger
from django.db import models
from django.db.models import Q


class ProposalState(models.TextChoices):
    """What became of it."""

    WAITING = "waiting"
    ADOPTED = "adopted"
    DECLINED = "declined"


class AgentProposal(models.Model):
    """A strategy with its settings, as a peer sent it. What was sent never changes; it is decided once. Wall clock."""

    id = models.UUIDField(primary_key=True)
    sender = models.CharField(max_length=64)
    strategy = models.CharField(max_length=60)
    timeframe = models.CharField(max_length=4)
    instruments = models.JSONField()
    parameters = models.JSONField()
    author = models.CharField(max_length=150)
    reason = models.CharField(max_length=500)
    received_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=ProposalState, default=ProposalState.WAITING)
    agent_id = models.UUIDField(null=True, help_text="The agent that it became.")
    decided_by = models.CharField(max_length=150, default="", blank=True)
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=500, default="", blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(state__in=ProposalState.values), name="proposal_state_known"),
            models.CheckConstraint(
                condition=Q(state=ProposalState.ADOPTED) ^ Q(agent_id__isnull=True), name="proposal_adopted_is_an_agent"
            ),
        )
        indexes = (models.Index(fields=["-received_at"], name="proposal_newest"),)
        triggers = (
            pgtrigger.ReadOnly(
                name="as_sent",
                fields=["id", "sender", "strategy", "timeframe", "instruments", "parameters", "author", "reason"],
            ),
            pgtrigger.Protect(
                name="decided_once", operation=pgtrigger.Update, condition=pgtrigger.Condition("OLD.state <> 'waiting'")
            ),
        )

    def __str__(self) -> str:
        return f"{self.strategy} of {self.sender}: {self.state}"
