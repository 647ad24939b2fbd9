"""What the executor remembers of a venue: how far its fills were taken in, and what was answered about lost orders."""

from django.db import models

from apps.trading.models.order import Order


class VenueWatermark(models.Model):
    """Every fill of ``venue`` up to ``sequence`` is in the books."""

    venue = models.CharField(max_length=40, primary_key=True)
    sequence = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.venue} up to {self.sequence}"


class UnknownLookup(models.Model):
    """The search for an order whose sending has an unknown outcome. Only answers count, never failed look-ups."""

    order = models.OneToOneField(Order, primary_key=True, on_delete=models.PROTECT, related_name="lookup")
    negative_answers = models.PositiveIntegerField(default=0, help_text="Answers that the venue knows no such order.")
    first_negative_wall = models.DateTimeField(null=True)
    last_negative_wall = models.DateTimeField(null=True)
    next_look_wall = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.negative_answers} negative answers about {self.order_id}"
