"""Where our books and a venue differ, and how far each account's comparison has come."""

from django.db import models
from django.db.models import Q

from apps.foundation.fields import MoneyField
from apps.trading.domain.venues.break_kinds import BreakKind, BreakState
from apps.trading.models.account import Account
from apps.trading.models.order import Order


class ReconciliationBreak(models.Model):
    """One difference with its cause; while it is open and ``quarantines``, no risk is added where it is.

    An empty ``symbol`` is the whole account. ``cause`` tells one difference from another; ``amount`` is what it was
    last, and what a person who ignored it agreed to. ``detail``: what differs; ``healing``: what the house did.
    """

    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="breaks", db_index=False)
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in BreakKind])
    cause = models.CharField(max_length=200)
    symbol = models.CharField(max_length=40, default="", blank=True)
    asset = models.CharField(max_length=16, default="", blank=True)
    amount = MoneyField(null=True, help_text="What the venue has less what our books say, of the asset.")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, related_name="breaks", db_index=False)
    detail = models.TextField()
    healing = models.TextField(default="", blank=True)
    facts = models.JSONField(default=dict, blank=True)
    quarantines = models.BooleanField(default=True)
    state = models.CharField(max_length=10, default=BreakState.OPEN)
    opened_wall = models.DateTimeField()
    opened_firm = models.DateTimeField()
    seen_wall = models.DateTimeField(help_text="When it was last seen to differ.")
    times_seen = models.PositiveIntegerField(default=1)
    cancel_wanted = models.BooleanField(default=False, help_text="The executor is to cancel the order at the venue.")
    choice = models.CharField(max_length=20, default="", blank=True)
    choice_reason = models.TextField(default="", blank=True)
    choice_by = models.CharField(max_length=120, default="", blank=True)
    choice_wall = models.DateTimeField(null=True, blank=True)
    closed_wall = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=["-opened_wall", "-id"], name="break_newest"),
            models.Index(fields=["account", "cause"], name="break_cause"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["account", "cause"], condition=Q(state="OPEN"), name="break_open_once_a_cause"
            ),
            models.CheckConstraint(condition=Q(state__in=list(BreakState)), name="break_state"),
            models.CheckConstraint(
                condition=Q(state="OPEN", closed_wall__isnull=True) | ~Q(state="OPEN") & Q(closed_wall__isnull=False),
                name="break_closed_has_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="RESOLVED") | ~Q(choice="") & ~Q(choice_by=""), name="break_resolved_by_somebody"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} at {self.account_id}: {self.detail}"


class AccountReconciliation(models.Model):
    """``passed_wall`` is empty from the executor's start until the account's first whole comparison.

    ``compared_watermark``: trades behind it have been compared twice. ``seen_gaps``: what the last look found that
    may still be on its way; it counts once a later look finds the same.
    """

    account = models.OneToOneField(Account, primary_key=True, on_delete=models.PROTECT, related_name="reconciliation")
    required_wall = models.DateTimeField(help_text="Since when a comparison is owed: the executor's last start.")
    passed_wall = models.DateTimeField(null=True, blank=True)
    wanted_wall = models.DateTimeField(null=True, blank=True, help_text="When somebody asked for one out of turn.")
    tried_wall = models.DateTimeField(null=True, blank=True)
    finished_wall = models.DateTimeField(null=True, blank=True, help_text="When all of it was last compared.")
    failures = models.PositiveIntegerField(default=0, help_text="Tries in a row that came to no end.")
    trouble = models.TextField(default="", blank=True)
    compared_watermark = models.TextField(default="", blank=True)
    next_watermark = models.TextField(default="", blank=True)
    seen_gaps = models.JSONField(
        default=dict, blank=True, help_text="What to see again before it counts, and since when."
    )
    summary = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"{self.account_id}: {'passed' if self.passed_wall else 'owed'}"
