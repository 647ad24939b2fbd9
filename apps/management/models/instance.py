"""The instances of this firm that share its database."""

from django.db import models


class Instance(models.Model):
    """One running house, by its name ``HQ_INSTANCE``. Wall clock."""

    name = models.CharField(max_length=80, primary_key=True)
    role = models.CharField(max_length=10)
    host = models.CharField(max_length=255)
    runtime = models.CharField(max_length=20)
    version = models.CharField(max_length=40)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} ({self.role})"
