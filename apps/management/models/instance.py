"""The instances of this firm that share its database."""

from django.db import models
from django.db.models import Q


class Instance(models.Model):
    """One house, by its name ``HQ_INSTANCE``; ``house`` tells two of one name apart. Wall clock.

    ``role`` is how it was started; who leads says the lease. ``promotion_*``: a person wants this one to lead.
    """

    name = models.CharField(max_length=80, primary_key=True)
    house = models.CharField(max_length=64, default="", blank=True)
    role = models.CharField(max_length=10)
    host = models.CharField(max_length=255)
    runtime = models.CharField(max_length=20)
    version = models.CharField(max_length=40)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    promotion_at = models.DateTimeField(null=True)
    promotion_by = models.CharField(max_length=120, default="", blank=True)
    promotion_reason = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(promotion_at__isnull=True) | ~Q(role="research"), name="instance_research_never_leads"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.role})"
