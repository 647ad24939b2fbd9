from django.db import models
from django.db.models import Q


class MarketKind(models.TextChoices):
    LIVE = "live"
    RECORDED = "recorded"
    SIMULATED = "simulated"


class MarketState(models.TextChoices):
    WARMING = "warming"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"
    NO_SOURCE = "no_source"


class MarketClock(models.Model):
    """The one row that says which market this home runs and how far it is. ``bar_at`` is the close of the current bar:
    the firm's time.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    kind = models.CharField(max_length=12, choices=MarketKind.choices)
    digest = models.CharField(max_length=64)
    description = models.TextField()
    seed = models.BigIntegerField(null=True, blank=True)
    speed = models.FloatField(default=1.0)
    base_timeframe = models.CharField(max_length=4)
    sources = models.JSONField(default=list)
    primary_source = models.CharField(max_length=24, blank=True, default="")
    first_open = models.DateTimeField(null=True, blank=True)
    last_open = models.DateTimeField(null=True, blank=True)
    bar_at = models.DateTimeField(null=True, blank=True)
    bar_index = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=MarketState.choices, default=MarketState.WARMING)
    message = models.TextField(blank=True, default="")
    started_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)
    closing_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="market_clock_is_one_row"),
            models.CheckConstraint(
                condition=Q(kind="live") | (Q(bar_at__isnull=False) & Q(released_at__isnull=False)),
                name="market_clock_lock_step_has_bar",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} market at {self.bar_at}"

    @property
    def lock_step(self) -> bool:
        """Is this market released bar by bar?"""
        return self.kind != MarketKind.LIVE
