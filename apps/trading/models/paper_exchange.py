"""The paper exchange's own books. They know nothing of the firm's: an order here is what a venue was told, no more."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from apps.foundation.fields import MoneyField

WORKING_STATES = ("OPEN", "PARTIALLY_FILLED")


class PaperExchange(models.Model):
    """One row a paper account: an exchange of its own. Locked by whoever matches, so that fills get rising numbers."""

    name = models.CharField(max_length=40, primary_key=True)
    matched_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "trading_paper_exchange"

    def __str__(self) -> str:
        return self.name


class PaperOrder(models.Model):
    """An order the paper exchange took."""

    exchange = models.CharField(max_length=40, default="paper")
    client_order_id = models.CharField(max_length=64, unique=True)
    symbol = models.CharField(max_length=32)
    side = models.CharField(max_length=4)
    type = models.CharField(max_length=8)
    quantity = MoneyField()
    limit_price = MoneyField(null=True)
    funds_left = MoneyField(null=True)
    time_in_force = models.CharField(max_length=8)
    post_only = models.BooleanField()
    reduce_only = models.BooleanField()
    state = models.CharField(max_length=16, default="OPEN")
    filled_quantity = MoneyField(default=0)
    resting = models.BooleanField(default=False)
    accepted_firm = models.DateTimeField()
    accepted_wall = models.DateTimeField()
    expires_firm = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "trading_paper_order"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(filled_quantity__gte=0) & Q(filled_quantity__lte=F("quantity")),
                name="paper_order_filled_within_quantity",
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="paper_order_quantity_positive"),
            models.CheckConstraint(condition=Q(funds_left__gte=0), name="paper_order_funds_not_overspent"),
            models.CheckConstraint(
                condition=(Q(type="limit") & Q(limit_price__gt=0)) | (Q(type="market") & Q(limit_price__isnull=True)),
                name="paper_order_limit_price_fits_type",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["exchange", "symbol", "client_order_id"],
                name="paper_order_working",
                condition=Q(state__in=WORKING_STATES),
            )
        ]

    def __str__(self) -> str:
        return self.client_order_id

    @property
    def venue_order_id(self) -> str:
        """The exchange's own number of this order."""
        return f"P{self.pk}"


class PaperFill(models.Model):
    """A trade on the paper exchange; the primary key is its place in the exchange's order of events."""

    trade_id = models.CharField(max_length=80, unique=True)
    order = models.ForeignKey(PaperOrder, on_delete=models.PROTECT, related_name="fills")
    symbol = models.CharField(max_length=32)
    side = models.CharField(max_length=4)
    quantity = MoneyField()
    price = MoneyField()
    fee = MoneyField()
    fee_asset = models.CharField(max_length=16)
    liquidity = models.CharField(max_length=8)
    executed_firm = models.DateTimeField()

    class Meta:
        db_table = "trading_paper_fill"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0) & Q(price__gt=0) & Q(fee__gte=0), name="paper_fill_amounts_positive"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["symbol", "executed_firm"], name="paper_fill_by_symbol_time")]

    def __str__(self) -> str:
        return self.trade_id
