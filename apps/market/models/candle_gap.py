from django.db import models
from django.db.models import F, Q


class GapState(models.TextChoices):
    OPEN = "open"
    FILLED = "filled"


class CandleGap(models.Model):
    """Bars that a source did not give, from the first to the last missing opening time."""

    instrument = models.ForeignKey("market.Instrument", on_delete=models.PROTECT, db_column="symbol", related_name="+")
    source = models.CharField(max_length=24)
    timeframe = models.CharField(max_length=4)
    first_open = models.DateTimeField()
    last_open = models.DateTimeField()
    missing = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=GapState.choices, default=GapState.OPEN)
    found_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["instrument", "source", "timeframe", "first_open"], name="candle_gap_once"),
            models.CheckConstraint(
                condition=Q(last_open__gte=F("first_open")) & Q(missing__gte=1), name="candle_gap_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.source} {self.timeframe}: {self.missing} bars missing"
