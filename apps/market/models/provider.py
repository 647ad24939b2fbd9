from django.db import models


class ProviderState(models.TextChoices):
    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"


class Provider(models.Model):
    """One source of prices and how it has been doing. Times are wall clock; smaller priority leads."""

    name = models.CharField(max_length=24, primary_key=True)
    market = models.CharField(max_length=12)
    priority = models.PositiveSmallIntegerField(default=0)
    enabled = models.BooleanField(default=True)
    state = models.CharField(max_length=10, choices=ProviderState.choices, default=ProviderState.UNKNOWN)
    message = models.TextField(blank=True, default="")
    failures = models.PositiveIntegerField(default=0)
    latency_ms = models.FloatField(null=True, blank=True)
    last_ok_at = models.DateTimeField(null=True, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    healthy_since = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
