from django.db import models
from django.db.models import F, Q

from apps.foundation.fields import MoneyField


class Instrument(models.Model):
    """One tradable pair. ``assumed`` names the rules that no exchange stated; ``sources`` lists who quotes it, the
    leading one first. ``calendar`` is the exchange whose sessions it keeps; empty for what trades at all hours.
    ``split_note``: a split took effect and nobody has looked at what is held yet.
    """

    symbol = models.CharField(max_length=32, primary_key=True)
    base = models.CharField(max_length=16)
    quote = models.CharField(max_length=16)
    tick_size = MoneyField()
    step_size = MoneyField()
    min_quantity = MoneyField()
    min_notional = MoneyField()
    assumed = models.JSONField(default=list, blank=True)
    sources = models.JSONField(default=list, blank=True)
    calendar = models.CharField(max_length=8, blank=True, default="")
    split_note = models.TextField(null=True, blank=True)
    watched = models.BooleanField(default=True)
    place = models.PositiveSmallIntegerField(default=0)
    paused_reason = models.TextField(null=True, blank=True)
    paused_by = models.CharField(max_length=150, null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(tick_size__gt=0) & Q(step_size__gt=0), name="instrument_steps_positive"),
            models.CheckConstraint(
                condition=Q(min_quantity__gte=0) & Q(min_notional__gte=0), name="instrument_minimums_not_negative"
            ),
            models.CheckConstraint(condition=~Q(base=F("quote")), name="instrument_two_assets"),
            models.CheckConstraint(
                condition=Q(paused_reason__isnull=True, paused_by__isnull=True, paused_at__isnull=True)
                | Q(paused_reason__isnull=False, paused_by__isnull=False, paused_at__isnull=False),
                name="instrument_pause_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.symbol
