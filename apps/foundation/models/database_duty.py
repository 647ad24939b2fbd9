"""What a database is for: a firm that trades, or research, which never sends an order."""

import pgtrigger
from django.db import models
from django.db.models import Q

ONLY = 1
UNDECIDED, TRADING, RESEARCH = "", "trading", "research"


class DatabaseDuty(models.Model):
    """One row. The first house that starts on the database decides it, for good; in research no lease is held."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    duty = models.CharField(max_length=8, default=UNDECIDED, blank=True)

    class Meta:
        db_table = "foundation_database_duty"
        constraints = (
            models.CheckConstraint(condition=Q(id=ONLY), name="database_duty_only_row"),
            models.CheckConstraint(condition=Q(duty__in=[UNDECIDED, TRADING, RESEARCH]), name="database_duty_known"),
        )
        triggers = (
            pgtrigger.Protect(
                name="decided_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.duty <> '' AND NEW.duty <> OLD.duty"),
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return self.duty or "undecided"
