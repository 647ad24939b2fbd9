"""Risk limits: each change is a new row, the newest one holds; nothing is edited."""

from django.db import models


class RiskLimits(models.Model):
    version = models.PositiveIntegerField(primary_key=True)
    values = models.JSONField(help_text="Every field of domain.risk_limits.LimitValues, decimals as strings.")
    changes = models.JSONField(default=dict)
    author = models.CharField(max_length=120)
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "risk limits"

    def __str__(self) -> str:
        return f"version {self.version}"
