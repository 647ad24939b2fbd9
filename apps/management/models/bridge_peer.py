"""The instances that this firm speaks with over the bridge, and the public keys by which they are known."""

import pgtrigger
from django.db import models
from django.db.models import Q


class BridgePeer(models.Model):
    """A peer by its name ``HQ_INSTANCE``. An admin added it; what it may do here is said by the rights. Wall clock."""

    name = models.CharField(max_length=64, primary_key=True)
    may_halt = models.BooleanField(default=False, help_text="Its emergency stop halts this firm too.")
    may_propose = models.BooleanField(default=False, help_text="It may propose agents to this firm.")
    added_by = models.CharField(max_length=150)
    added_at = models.DateTimeField()
    reason = models.CharField(max_length=500)

    def __str__(self) -> str:
        return self.name


class BridgePeerKey(models.Model):
    """A public key of a peer, compared by a person before it was added. While two hold, one follows the other."""

    peer = models.ForeignKey(BridgePeer, models.PROTECT, related_name="keys")
    fingerprint = models.CharField(max_length=64)
    armored = models.TextField()
    added_by = models.CharField(max_length=150)
    added_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, help_text="From then on it proves nothing; empty: it holds.")
    ended_by = models.CharField(max_length=150, default="", blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["peer", "fingerprint"], name="bridge_key_once_a_peer"),)
        triggers = (
            pgtrigger.ReadOnly(name="never_changed", exclude=["ends_at", "ended_by"]),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return f"{self.peer_id} {self.fingerprint}"


class BridgeLink(models.Model):
    """Where ``own`` (an instance of this database) and ``peer`` stand with each other. Wall clock.

    ``out_*``: what we numbered last; ``acked_*``: what the peer took of it last. ``in_*``: what we took of it last.
    ``beat``: numbers of heartbeats, of which only the newest counts. ``peer_*``: what its newest heartbeat said.
    The database refuses to take a number back: what was taken once is never taken again.
    """

    own = models.CharField(max_length=64)
    peer = models.ForeignKey(BridgePeer, models.PROTECT, related_name="links")
    out_series = models.BigIntegerField(default=0)
    out_sequence = models.BigIntegerField(default=0)
    out_beat = models.BigIntegerField(default=0)
    acked_series = models.BigIntegerField(default=0)
    acked_sequence = models.BigIntegerField(default=0)
    in_series = models.BigIntegerField(default=0)
    in_sequence = models.BigIntegerField(default=0)
    in_beat_series = models.BigIntegerField(default=0)
    in_beat = models.BigIntegerField(default=0)
    in_beat_entry = models.CharField(max_length=40, default="", blank=True)
    receipt_owed = models.BooleanField(default=False)
    beat_sent_at = models.DateTimeField(null=True)
    told_role = models.CharField(max_length=100, default="", blank=True, help_text="What it was last told of our role.")
    heard_at = models.DateTimeField(null=True)
    peer_epoch = models.BigIntegerField(default=0)
    peer_role = models.CharField(max_length=10, default="", blank=True)
    peer_leads = models.BooleanField(default=False)
    peer_state = models.CharField(max_length=20, default="", blank=True)
    peer_version = models.CharField(max_length=40, default="", blank=True)
    peer_waiting = models.IntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["own", "peer"], name="bridge_link_once"),
            models.CheckConstraint(
                condition=Q(out_series__gte=0, in_series__gte=0, peer_epoch__gte=0), name="bridge_link_numbers"
            ),
        )
        triggers = (
            pgtrigger.Protect(
                name="never_back",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "((NEW.in_series, NEW.in_sequence) < (OLD.in_series, OLD.in_sequence)"
                    " OR (NEW.in_beat_series, NEW.in_beat) < (OLD.in_beat_series, OLD.in_beat)"
                    " OR NEW.peer_epoch < OLD.peer_epoch)"
                ),
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return f"{self.own} and {self.peer_id}"
