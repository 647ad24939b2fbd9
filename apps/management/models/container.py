"""Containers as the fleet last saw them. The runtime knows what runs; these rows remember what became of it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Container(models.Model):
    """One container under its name; a replacement keeps the row. Wall clock."""

    name = models.CharField(max_length=80, primary_key=True)
    kind = models.CharField(max_length=20, default="agent")
    subject_id = models.UUIDField(db_index=True, help_text="The agent that it runs.")
    runtime = models.CharField(max_length=20)
    digest = models.CharField(max_length=64, blank=True, default="")
    handle = models.CharField(max_length=80, blank=True, default="", help_text="Process id or container id.")
    health = models.CharField(max_length=12)
    reason = models.TextField(blank=True, default="")
    wanted = models.BooleanField(default=True)
    started_at = models.DateTimeField(null=True, blank=True)
    observed_at = models.DateTimeField()
    beat_at = models.DateTimeField(null=True, blank=True)
    votes = models.BigIntegerField(null=True, blank=True)
    progressed_at = models.DateTimeField(null=True, blank=True, help_text="When its count of votes last moved.")
    exit_code = models.IntegerField(null=True, blank=True)
    restarts = models.PositiveIntegerField(default=0)
    crashes = ArrayField(models.DateTimeField(), default=list, blank=True)
    quarantined_at = models.DateTimeField(null=True, blank=True)
    memory_bytes = models.BigIntegerField(null=True, blank=True)
    cpu_percent = models.FloatField(null=True, blank=True)
    limits = models.JSONField(default=dict, blank=True)
    limits_enforced = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.name}: {self.health}"
