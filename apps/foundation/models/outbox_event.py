from django.db import models
from django.db.models.functions import Now


class OutboxEvent(models.Model):
    """Something that happened, written in the transaction it happened in, to be told to screens and consumers."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=64)
    aggregate = models.CharField(max_length=128)
    payload = models.JSONField()
    correlation_id = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    published_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        db_table = "foundation_outbox_event"
        ordering = ["id"]
        indexes = [
            models.Index(fields=["id"], name="outbox_waiting", condition=models.Q(published_at__isnull=True)),
            models.Index(
                fields=["aggregate", "id"],
                name="outbox_waiting_aggregate",
                condition=models.Q(published_at__isnull=True),
            ),
            models.Index(
                fields=["published_at"], name="outbox_published", condition=models.Q(published_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.kind} {self.aggregate}"
