from django.db import models
from django.db.models import F, Q


class BackfillState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Backfill(models.Model):
    """One instrument's history at one timeframe being fetched from one source. ``next_open`` is the cursor: a restart
    goes on from there.
    """

    id = models.UUIDField(primary_key=True)
    instrument = models.ForeignKey("market.Instrument", on_delete=models.PROTECT, db_column="symbol", related_name="+")
    source = models.CharField(max_length=24)
    timeframe = models.CharField(max_length=4)
    first_open = models.DateTimeField()
    last_open = models.DateTimeField()
    next_open = models.DateTimeField()
    wanted = models.PositiveIntegerField()
    stored = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=8, choices=BackfillState.choices, default=BackfillState.QUEUED)
    message = models.TextField(blank=True, default="")
    requested_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(last_open__gte=F("first_open")), name="backfill_forward"),
            models.CheckConstraint(condition=Q(wanted__gte=1), name="backfill_wants_something"),
        ]
        indexes = [models.Index(fields=["state", "created_at"], name="backfill_waiting")]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.source} {self.timeframe}: {self.stored}/{self.wanted}"
