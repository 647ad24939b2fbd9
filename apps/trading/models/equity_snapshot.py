"""What the portfolio was worth at one time of the firm clock, at the marks of that time."""

from django.db import models

from apps.foundation.fields import MoneyField
from apps.trading.models.portfolio import Portfolio


class EquitySnapshot(models.Model):
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="snapshots")
    at_firm = models.DateTimeField()
    at_wall = models.DateTimeField()
    cash = MoneyField()
    reserved = MoneyField()
    market_value = MoneyField()
    equity = MoneyField()
    realized_pnl = MoneyField()
    unrealized_pnl = MoneyField()
    fees_paid = MoneyField()
    drawdown_pct = MoneyField()
    growth = MoneyField(default=1, help_text="Time-weighted growth since the beginning; no transfer moves it.")
    stale = models.BooleanField(default=False, help_text="At least one position was valued at an old or missing mark.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["portfolio", "at_firm"], name="equity_once_per_time"),)

    def __str__(self) -> str:
        return f"{self.equity} at {self.at_firm:%Y-%m-%d %H:%M}"
