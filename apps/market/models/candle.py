from django.db import models
from django.db.models import F, Q

from apps.foundation.fields import MoneyField


class StoredCandle(models.Model):
    """One closed bar of one source. Never changed in lock-step; a live source may correct its own bar."""

    instrument = models.ForeignKey(
        "market.Instrument", on_delete=models.PROTECT, db_column="symbol", db_index=False, related_name="+"
    )
    source = models.CharField(max_length=24)
    timeframe = models.CharField(max_length=4)
    open_at = models.DateTimeField()
    open = MoneyField()
    high = MoneyField()
    low = MoneyField()
    close = MoneyField()
    volume = MoneyField()

    class Meta:
        verbose_name = "candle"
        constraints = [
            models.UniqueConstraint(fields=["instrument", "source", "timeframe", "open_at"], name="candle_once"),
            models.CheckConstraint(
                condition=Q(low__lte=F("open")) & Q(low__lte=F("close")), name="candle_low_is_lowest"
            ),
            models.CheckConstraint(
                condition=Q(high__gte=F("open")) & Q(high__gte=F("close")), name="candle_high_is_highest"
            ),
            models.CheckConstraint(condition=Q(low__gt=0), name="candle_price_positive"),
            models.CheckConstraint(condition=Q(volume__gte=0), name="candle_volume_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.source} {self.timeframe} {self.open_at:%Y-%m-%d %H:%M}"
