from django.db import models


class AuditHead(models.Model):
    """The end of one chain. Its row is the lock that keeps the chain from forking; ``hq_audit_append`` moves it."""

    chain = models.CharField(max_length=128, primary_key=True)
    seq = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "foundation_audit_head"
        ordering = ["chain"]

    def __str__(self) -> str:
        return f"{self.chain} #{self.seq}"


class AuditEntry(models.Model):
    """One act, chained to the act before it. Inserted by ``hq_audit_append`` only; the database refuses any change."""

    id = models.BigAutoField(primary_key=True)
    chain = models.CharField(max_length=128)
    seq = models.BigIntegerField()
    action = models.CharField(max_length=64)
    actor = models.CharField(max_length=128)
    subject = models.CharField(max_length=200)
    payload = models.TextField(help_text="Canonical JSON, kept as the text that was hashed.")
    wall = models.DateTimeField()
    firm = models.DateTimeField()
    epoch = models.BigIntegerField()
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "foundation_audit_entry"
        verbose_name_plural = "audit entries"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["chain", "seq"], name="audit_one_entry_a_place"),
            models.UniqueConstraint(fields=["chain", "previous_hash"], name="audit_no_fork"),
            models.CheckConstraint(condition=models.Q(seq__gte=1), name="audit_seq_from_one"),
        ]
        indexes = [models.Index(fields=["subject", "-id"], name="audit_entry_subject")]

    def __str__(self) -> str:
        return f"{self.chain} #{self.seq} {self.action}"
