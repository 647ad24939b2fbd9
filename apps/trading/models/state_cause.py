"""Why trading is restricted. An account's state is the worst of all open rows of the house and its own, else ACTIVE."""

from django.db import models
from django.db.models import Q


class StateCause(models.Model):
    """``latched`` causes stay until a person with role risk closes them with a reason; others clear themselves.

    An empty ``account`` is the whole house. ``well_since``: since when what opened a self-clearing cause is over; it
    closes once that has lasted.
    """

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=40)
    account = models.CharField(max_length=40, default="", blank=True)
    state = models.CharField(max_length=10)
    latched = models.BooleanField()
    author = models.CharField(max_length=120)
    reason = models.TextField()
    facts = models.JSONField(default=dict, blank=True)
    opened_wall = models.DateTimeField()
    opened_firm = models.DateTimeField()
    well_since = models.DateTimeField(null=True, blank=True)
    closed_wall = models.DateTimeField(null=True, blank=True)
    closed_firm = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=120, default="", blank=True)
    close_reason = models.TextField(default="", blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["kind", "account"], condition=Q(closed_wall__isnull=True), name="state_cause_open_once"
            ),
            models.CheckConstraint(condition=Q(state__in=["REDUCING", "HALTED"]), name="state_cause_state"),
        )

    def __str__(self) -> str:
        return f"{self.kind}: {self.state}"
