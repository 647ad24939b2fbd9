"""When each periodic task was last begun."""

from django.db import models


class PeriodicRun(models.Model):
    """One row a schedule entry, by its name; the times are the database's own."""

    name = models.CharField(max_length=200, primary_key=True)
    begun_at = models.DateTimeField()
    runs = models.BigIntegerField(default=1)
    left_alone = models.BigIntegerField(default=0, help_text="Messages that came too soon after the one before.")

    class Meta:
        db_table = "foundation_periodic_run"

    def __str__(self) -> str:
        return f"{self.name}: {self.runs} runs"
