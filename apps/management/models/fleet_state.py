"""Whether the agents' containers may run at all. One row; converging runs one at a time under its lock."""

from django.db import models

ONLY = 1


class FleetState(models.Model):
    """Paused by an emergency stop, until trading is resumed."""

    id = models.SmallIntegerField(primary_key=True, default=ONLY)
    paused = models.BooleanField(default=False)
    reason = models.TextField(blank=True, default="")
    actor = models.CharField(max_length=150, blank=True, default="")
    changed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=ONLY), name="fleet_state_one_row"),)

    def __str__(self) -> str:
        return "paused" if self.paused else "running"
