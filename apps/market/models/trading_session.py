from django.db import models
from django.db.models import F, Q


class TradingSession(models.Model):
    """One trading day of an exchange (``calendar`` is its ISO 10383 code), as its calendar states it."""

    calendar = models.CharField(max_length=8)
    open_at = models.DateTimeField()
    close_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["calendar", "open_at"], name="trading_session_once"),
            models.CheckConstraint(condition=Q(close_at__gt=F("open_at")), name="trading_session_forward"),
        ]

    def __str__(self) -> str:
        return f"{self.calendar} {self.open_at:%Y-%m-%d %H:%M} to {self.close_at:%H:%M}"
