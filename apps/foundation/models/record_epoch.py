"""Which life of the record this is: a restore from a backup begins a new one."""

import pgtrigger
from django.db import models
from django.db.models import Q

ONLY = 1


class RecordEpoch(models.Model):
    """One row. The database refuses to lower or to delete it; every audit entry carries it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    epoch = models.BigIntegerField(default=0)
    raised_wall = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        db_table = "foundation_record_epoch"
        constraints = (models.CheckConstraint(condition=Q(id=ONLY), name="record_epoch_only_row"),)
        triggers = (
            pgtrigger.Protect(
                name="never_lowered",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(new__epoch__lt=pgtrigger.F("old__epoch")),
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return f"epoch {self.epoch}"
