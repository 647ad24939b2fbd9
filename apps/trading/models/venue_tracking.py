"""What the executor remembers of a venue: how far its fills were taken in, and what was answered about lost orders."""

from django.db import models

from apps.trading.models.account import Account
from apps.trading.models.order import Order


class VenueWatermark(models.Model):
    """Every fill of the account up to ``watermark`` is in the books; only its venue's adapter reads that text.

    ``polled_wall``, ``collected_wall``: when an executor last asked for its open orders and its trades in turn.
    """

    account = models.OneToOneField(Account, primary_key=True, on_delete=models.PROTECT, related_name="watermark")
    watermark = models.TextField(default="", blank=True)
    polled_wall = models.DateTimeField(null=True, blank=True)
    collected_wall = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.account_id} up to {self.watermark or 'nothing'}"


class UnknownLookup(models.Model):
    """The search for an order whose sending has an unknown outcome. Only answers count, never failed look-ups."""

    order = models.OneToOneField(Order, primary_key=True, on_delete=models.PROTECT, related_name="lookup")
    negative_answers = models.PositiveIntegerField(default=0, help_text="Answers that the venue knows no such order.")
    first_negative_wall = models.DateTimeField(null=True)
    last_negative_wall = models.DateTimeField(null=True)
    next_look_wall = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.negative_answers} negative answers about {self.order_id}"
