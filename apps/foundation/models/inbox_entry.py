from django.db import models
from django.db.models.functions import Now


class InboxEntry(models.Model):
    """A consumer has taken this event; written in the transaction of the effect, so that a redelivery has none."""

    consumer = models.CharField(max_length=64)
    event_id = models.BigIntegerField()
    taken_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "foundation_inbox_entry"
        verbose_name_plural = "inbox entries"
        constraints = [models.UniqueConstraint(fields=["consumer", "event_id"], name="inbox_event_once_a_consumer")]
        indexes = [models.Index(fields=["taken_at"], name="inbox_entry_age")]

    def __str__(self) -> str:
        return f"{self.consumer} {self.event_id}"
