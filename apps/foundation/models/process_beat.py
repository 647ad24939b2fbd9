from django.db import models


class ProcessBeat(models.Model):
    """The pulse of one long-lived loop: who runs it, when it last stepped, what went wrong. Wall clock."""

    name = models.CharField(max_length=128, primary_key=True)
    process = models.CharField(max_length=64)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    last_step_at = models.DateTimeField(null=True, blank=True)
    steps = models.BigIntegerField(default=0)
    errors = models.BigIntegerField(default=0)
    last_error = models.TextField(blank=True, default="")
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "foundation_process_beat"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
