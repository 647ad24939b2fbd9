"""A pot of money in one currency, and the marks its loss limits are measured from."""

from django.db import models

from apps.foundation.fields import MoneyField


class Portfolio(models.Model):
    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=80)
    base_currency = models.CharField(max_length=16)
    starting_capital = MoneyField()
    peak_equity = MoneyField(help_text="Highest equity seen; drawdown is measured from it.")
    day = models.DateField(help_text="Day of the firm clock (UTC) that day_start_equity belongs to.")
    day_start_equity = MoneyField(help_text="In today's scale: money that comes in or goes out moves it in proportion.")
    day_capital = MoneyField(help_text="Equity when the day began, and what came in since: the day's profit is above.")
    growth = MoneyField(default=1, help_text="Time-weighted growth until money last came in or went out.")
    growth_capital = MoneyField(help_text="Equity when money last came in or went out, with it.")
    losses_in_row = models.PositiveIntegerField(
        default=0, help_text="Closed positions that lost money, one after another."
    )
    last_loss_firm = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(starting_capital__gt=0), name="portfolio_capital_positive"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.base_currency})"
