"""How well each venue answers an account: the rung of the ladder it stands on and what led there. Survives restarts."""

from django.db import models

from apps.trading.domain.risk.venue_ladder import Rung


class VenueHealth(models.Model):
    """One row an account that talks to a venue over a network; all times are of the wall clock."""

    account = models.CharField(max_length=40, primary_key=True)
    rung = models.CharField(max_length=12, choices=[(rung, rung) for rung in Rung], default=Rung.NORMAL)
    rung_since = models.DateTimeField()
    reason = models.TextField(default="", blank=True, help_text="The last failure that led to this rung.")
    strain = models.FloatField(default=0, help_text="Rises with each failure, falls with each good answer.")
    failures_in_row = models.PositiveIntegerField(default=0)
    latency_ms = models.FloatField(null=True, help_text="Moving average of all answers.")
    answers = models.BigIntegerField(default=0, help_text="That were recorded; quick good ones are told once a second.")
    failures = models.BigIntegerField(default=0)
    last_ok_wall = models.DateTimeField(null=True)
    last_failure_wall = models.DateTimeField(null=True)
    last_failure_kind = models.CharField(max_length=40, default="", blank=True)
    clock_offset_ms = models.IntegerField(null=True, help_text="Our clock minus the venue's.")
    clock_wall = models.DateTimeField(null=True, help_text="When the clock was read.")

    class Meta:
        verbose_name_plural = "venue health"

    def __str__(self) -> str:
        return f"{self.account}: {self.rung}"
