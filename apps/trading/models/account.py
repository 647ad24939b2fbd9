"""One account at one venue. It trades one portfolio in one currency; its keys are kept sealed."""

import pgtrigger
from django.db import models
from django.db.models import Q

from apps.trading.models.portfolio import Portfolio

PAPER_VENUE = "paper"


class AccountMode(models.TextChoices):
    """``live`` moves real money; everything else is practice, whatever the venue."""

    PAPER = "paper"
    LIVE = "live"


class Account(models.Model):
    """``name`` is what orders, fills and settings refer to; it, the venue, the mode and the portfolio never change.

    An account is disabled, never deleted.
    """

    name = models.SlugField(max_length=40, primary_key=True)
    venue = models.CharField(max_length=20)
    mode = models.CharField(max_length=5, choices=AccountMode.choices, default=AccountMode.PAPER)
    portfolio = models.OneToOneField(Portfolio, on_delete=models.PROTECT, related_name="account")
    sealed_keys = models.TextField(default="", blank=True, help_text="An armored PGP message to the firm's key.")
    enabled = models.BooleanField(default=True)
    trouble_code = models.CharField(max_length=60, default="", blank=True)
    trouble = models.TextField(default="", blank=True, help_text="Why nothing can be traded on it at present.")
    trouble_wall = models.DateTimeField(null=True)
    checked_wall = models.DateTimeField(
        null=True, help_text="When the executor last opened the keys and the venue stated their rights."
    )
    created_wall = models.DateTimeField()
    created_by = models.CharField(max_length=120)
    enabled_wall = models.DateTimeField(null=True)
    enabled_by = models.CharField(max_length=120, default="", blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(mode__in=AccountMode.values), name="account_mode"),
            models.CheckConstraint(
                condition=Q(enabled=False) | Q(enabled_wall__isnull=False), name="account_enabled_by_somebody"
            ),
            models.CheckConstraint(
                condition=~Q(mode=AccountMode.LIVE) | ~Q(venue=PAPER_VENUE), name="account_paper_venue_is_not_live"
            ),
            models.CheckConstraint(
                condition=~Q(mode=AccountMode.LIVE, enabled=True) | ~Q(sealed_keys=""), name="account_live_has_keys"
            ),
        )
        triggers = (
            pgtrigger.ReadOnly(name="identity", fields=["name", "venue", "mode", "portfolio"]),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return self.name
