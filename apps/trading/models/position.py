"""What is held of one instrument. Long or flat: a negative quantity can't be stored."""

from django.db import models
from django.db.models import Q

from apps.foundation.fields import MoneyField
from apps.trading.models.portfolio import Portfolio


class Position(models.Model):
    """``cost``, ``average_price`` and ``realized_pnl`` are before fees; ``fees`` counts all of its fees."""

    id = models.UUIDField(primary_key=True)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="positions")
    symbol = models.CharField(max_length=40)
    quantity = MoneyField(default=0)
    cost = MoneyField(default=0)
    average_price = MoneyField(null=True)
    realized_pnl = MoneyField(default=0)
    fees = MoneyField(default=0)
    opened_firm = models.DateTimeField(null=True, help_text="When it last began.")
    stop_price = MoneyField(null=True, help_text="Watched by the stop guard; every open position has one.")
    closed_firm = models.DateTimeField(null=True, help_text="When it ended: sold, or all but dust.")
    trip_result = MoneyField(default=0, help_text="Realised result net of fees since it began.")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["portfolio", "symbol"], name="position_one_per_symbol"),
            models.CheckConstraint(condition=Q(quantity__gte=0, cost__gte=0), name="position_never_short"),
            models.CheckConstraint(
                condition=Q(quantity=0, cost=0) | Q(quantity__gt=0, opened_firm__isnull=False),
                name="position_flat_is_empty",
            ),
            models.CheckConstraint(condition=Q(quantity=0) | Q(stop_price__gt=0), name="position_has_a_stop"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} {self.symbol}"
