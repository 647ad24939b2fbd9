"""Whether the agents' containers may run at all, and how far the stop that holds them back has come. One row."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

ONLY = 1


class FleetState(models.Model):
    """Paused by an emergency stop, until trading is resumed. Wall clock.

    ``changed_at`` is when the stop's halt was in force; the two ends are when its later steps were seen to be done.
    """

    id = models.SmallIntegerField(primary_key=True, default=ONLY)
    paused = models.BooleanField(default=False)
    reason = models.TextField(blank=True, default="")
    actor = models.CharField(max_length=150, blank=True, default="")
    changed_at = models.DateTimeField(null=True, blank=True)
    orders_at_stop = models.PositiveIntegerField(default=0, help_text="Cancellations that waited for a venue then.")
    agents_at_stop = models.PositiveIntegerField(default=0, help_text="Agents' containers that ran then.")
    agents_ended = ArrayField(
        models.CharField(max_length=80), default=list, blank=True, help_text="Names of those that have ended since."
    )
    orders_asked = models.BooleanField(default=False, help_text="Every open order was asked to be canceled.")
    orders_ended_at = models.DateTimeField(null=True, blank=True, help_text="No cancellation waits any more.")
    agents_ended_at = models.DateTimeField(null=True, blank=True, help_text="No agent's container runs any more.")

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=ONLY), name="fleet_state_one_row"),)

    def __str__(self) -> str:
        return "paused" if self.paused else "running"
