"""What the venue says was traded. One row a venue trade, whatever is redelivered."""

from django.db import models
from django.db.models import Q

from apps.foundation.fields import MoneyField
from apps.trading.models.account import Account
from apps.trading.models.order import Order
from apps.trading.models.portfolio import Portfolio


class Fill(models.Model):
    id = models.UUIDField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fills")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="fills", db_index=False)
    symbol = models.CharField(max_length=40)
    side = models.CharField(max_length=4)
    quantity = MoneyField()
    price = MoneyField()
    cost = MoneyField(help_text="Quantity times price in the quote currency, as posted.")
    fee = MoneyField(default=0)
    fee_asset = models.CharField(max_length=16)
    fee_quote = MoneyField(default=0, help_text="What the fee cost in the quote currency; zero for a third asset.")
    realized_pnl = MoneyField(default=0, help_text="Before fees; zero for a buy.")
    liquidity = models.CharField(max_length=6, default="taker")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="fills", db_index=False)
    venue_trade_id = models.CharField(max_length=80)
    traded_firm = models.DateTimeField()
    recorded_wall = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(fields=["-recorded_wall", "-id"], name="fill_newest"),
            models.Index(fields=["symbol", "-traded_firm"], name="fill_symbol"),
        )
        constraints = (
            models.UniqueConstraint(fields=["account", "venue_trade_id"], name="fill_venue_trade_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0, price__gt=0), name="fill_positive"),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol} at {self.price}"
