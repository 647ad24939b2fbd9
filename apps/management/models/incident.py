"""What needs a person's eyes."""

from django.db import models
from django.db.models import Q


class Severity(models.TextChoices):
    """How soon somebody should look."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


class Incident(models.Model):
    """One trouble with one subject. It is open once; seen again it counts up. Wall clock."""

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=60)
    subject = models.CharField(max_length=150)
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.WARNING)
    detail = models.TextField()
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    occurrences = models.PositiveIntegerField(default=1)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=150, blank=True, default="")
    close_reason = models.TextField(blank=True, default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(closed_at__isnull=True), name="incident_open_once"
            ),
            models.CheckConstraint(condition=Q(severity__in=Severity.values), name="incident_severity_known"),
        )
        indexes = (models.Index(fields=["-opened_at"], name="incident_newest"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
