"""What was written to peers and waits for their receipt, and what was taken from them."""

import pgtrigger
from django.db import models

from apps.management.models.bridge_peer import BridgeLink


class OutgoingEnvelope(models.Model):
    """One message to a peer: numbered when it was written, signed each time it is sent, kept until it is taken.

    ``cause``: what it tells of; told once. ``entry``: where it stands in the bridge's stream. Wall clock.
    """

    link = models.ForeignKey(BridgeLink, models.PROTECT, related_name="outgoing")
    series = models.BigIntegerField()
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=20)
    body = models.JSONField()
    cause = models.CharField(max_length=120)
    written_at = models.DateTimeField()
    attempt = models.PositiveIntegerField(default=0)
    entry = models.CharField(max_length=40, default="", blank=True)
    sent_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    taken_at = models.DateTimeField(null=True, help_text="When the peer's receipt arrived.")
    refused_code = models.CharField(max_length=40, default="", blank=True, help_text="Why the peer did not act on it.")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["link", "series", "sequence"], name="bridge_outgoing_number"),
            models.UniqueConstraint(fields=["link", "cause"], name="bridge_outgoing_once_a_cause"),
        )
        indexes = (
            models.Index(
                fields=["link", "sequence"], name="bridge_outgoing_waiting", condition=models.Q(taken_at__isnull=True)
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.series}/{self.sequence}"


class TakenEnvelope(models.Model):
    """One numbered message of a peer, taken once: constraint and link are the replay protection that outlives Redis.

    Forgotten when it is old (``prune_post``): the number of the last one, which stays on the link, refuses it then.
    ``outcome``: ``taken``, or the code by which it was refused for good. ``attempt`` and ``entry`` are those of the
    last copy that its sender repeated. Wall clock.
    """

    own = models.CharField(max_length=64)
    sender = models.CharField(max_length=64)
    series = models.BigIntegerField()
    sequence = models.BigIntegerField()
    attempt = models.BigIntegerField()
    entry = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=120, default="", blank=True)
    body = models.JSONField()
    epoch = models.BigIntegerField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of the signed text.")
    fingerprint = models.CharField(max_length=64, help_text="The key that signed it.")
    issued_at = models.DateTimeField()
    taken_at = models.DateTimeField()
    outcome = models.CharField(max_length=40)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["own", "sender", "series", "sequence"], name="bridge_taken_once"),
        )
        indexes = (models.Index(fields=["kind", "subject"], name="bridge_taken_subject"),)
        triggers = (
            pgtrigger.ReadOnly(name="never_changed", exclude=["attempt", "entry"]),
            pgtrigger.Protect(
                name="kept_for_a_month",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Condition("(OLD.taken_at > clock_timestamp() - interval '30 days')"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.sender} {self.kind} {self.series}/{self.sequence}: {self.outcome}"
