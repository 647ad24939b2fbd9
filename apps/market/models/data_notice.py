from django.db import models


class DataNotice(models.Model):
    """Something wrong in what a source sent: repaired, or refused so that nothing is traded on it."""

    instrument = models.ForeignKey("market.Instrument", on_delete=models.PROTECT, db_column="symbol", related_name="+")
    source = models.CharField(max_length=24)
    timeframe = models.CharField(max_length=4)
    open_at = models.DateTimeField()
    kind = models.CharField(max_length=24)
    repaired = models.BooleanField()
    detail = models.TextField()
    found_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "source", "timeframe", "open_at", "kind"], name="data_notice_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.source} {self.open_at:%Y-%m-%d %H:%M}: {self.kind}"
