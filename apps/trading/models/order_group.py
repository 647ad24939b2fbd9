"""Orders that belong together: the two exits of held units, or an entry with its exits."""

from django.db import models
from django.db.models import Q

from apps.foundation.fields import MoneyField
from apps.trading.domain.orders.order_groups import BRACKET, OCO
from apps.trading.models.account import Account
from apps.trading.models.portfolio import Portfolio


class OrderGroup(models.Model):
    """``units``: what an OCO may sell; null for a bracket, which sells what its entry bought. Amending moves prices."""

    id = models.UUIDField(primary_key=True)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="order_groups", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="order_groups", db_index=False)
    symbol = models.CharField(max_length=40)
    kind = models.CharField(max_length=8)
    units = MoneyField(null=True)
    take_profit_price = MoneyField(null=True)
    stop_loss_price = MoneyField(null=True)
    created_wall = models.DateTimeField()
    created_firm = models.DateTimeField()
    created_by = models.CharField(max_length=120)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=[OCO, BRACKET]), name="order_group_kind"),
            models.CheckConstraint(
                condition=Q(kind=OCO, units__gt=0) | Q(kind=BRACKET, units__isnull=True), name="order_group_units"
            ),
            models.CheckConstraint(
                condition=Q(take_profit_price__gt=0) | Q(stop_loss_price__gt=0), name="order_group_has_an_exit"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.symbol}"
