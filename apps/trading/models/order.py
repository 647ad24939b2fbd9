"""Orders and their history. A trigger generated from the lifecycle table refuses illegal moves, writes the history."""

import pgtrigger
from django.db import models
from django.db.models import F, Q

from apps.foundation.fields import MoneyField
from apps.trading.domain.books.ledger_postings import FIRM
from apps.trading.domain.orders.order_groups import ROLES
from apps.trading.domain.orders.order_lifecycle import OPEN, OrderState
from apps.trading.models.account import Account
from apps.trading.models.kept_identity import kept_identity
from apps.trading.models.order_group import OrderGroup
from apps.trading.models.order_triggers import (
    check_birth,
    check_duty,
    check_lease,
    check_move,
    check_replacement,
    written_by_orders,
)
from apps.trading.models.portfolio import Portfolio

_OPEN = sorted(OPEN)


class Order(models.Model):
    """One intent, sent at most once. ``state_*`` describe the last move; the trigger copies them into the history."""

    id = models.UUIDField(primary_key=True)
    # The first column of order_rate: an index of its own would only tempt the planner into reading all orders.
    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.PROTECT, related_name="orders", db_index=False, db_constraint=False
    )
    client_order_id = models.CharField(max_length=36)
    symbol = models.CharField(max_length=40)
    side = models.CharField(max_length=4)
    type = models.CharField(max_length=16)
    quantity = MoneyField()
    notional = MoneyField(null=True, help_text="What was asked for in the quote currency, when it was not a quantity.")
    limit_price = MoneyField(null=True)
    stop_price = MoneyField(null=True)
    trail_pct = MoneyField(null=True)
    trail_amount = MoneyField(null=True)
    trail_extreme = MoneyField(null=True, help_text="The best price a trailing stop has seen.")
    time_in_force = models.CharField(max_length=4, default="GTC")
    reduce_only = models.BooleanField(default=False)
    post_only = models.BooleanField(default=False)
    is_protective = models.BooleanField(default=False, help_text="Sent by the stop guard to close a position.")

    group = models.ForeignKey(OrderGroup, null=True, on_delete=models.PROTECT, related_name="orders", db_index=False)
    role = models.CharField(max_length=12, default="", blank=True, help_text="Its part in its group.")
    replaces = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="replacement")

    state = models.CharField(max_length=20)
    state_wall = models.DateTimeField()
    state_firm = models.DateTimeField()
    state_actor = models.CharField(max_length=120)
    state_note = models.TextField(default="", blank=True)

    filled_quantity = MoneyField(default=0)
    filled_cost = MoneyField(default=0)
    fees = MoneyField(default=0)
    average_price = MoneyField(null=True)

    reason = models.TextField(default="", blank=True)
    origin = models.CharField(max_length=12)
    actor = models.CharField(max_length=120)
    decision_id = models.UUIDField(null=True)
    agent_id = models.UUIDField(null=True)
    budget = models.CharField(max_length=40, default=FIRM, help_text="The ledger's sub-account that pays a buy.")
    mark_price = MoneyField(null=True, help_text="The mark it was judged at.")
    correlation_id = models.CharField(max_length=64, default="", blank=True)
    epoch = models.BigIntegerField(default=0, help_text="Of the lease that it was claimed under.")
    verdicts = models.JSONField(default=list)
    gate_digest = models.CharField(max_length=64)

    reserved_asset = models.CharField(max_length=16, default="", blank=True)
    reserved_amount = MoneyField(default=0)
    reserved_left = MoneyField(default=0)

    proposed_wall = models.DateTimeField()
    proposed_firm = models.DateTimeField()
    approved_wall = models.DateTimeField(null=True)
    submitted_wall = models.DateTimeField(null=True)
    accepted_firm = models.DateTimeField(null=True, help_text="The bar that was current when the venue accepted.")
    triggered_firm = models.DateTimeField(
        null=True, help_text="When an armed order's trigger was hit and passed the gate."
    )
    watched_firm = models.DateTimeField(null=True, help_text="From when prices count for its trigger; null: proposal.")
    expires_firm = models.DateTimeField(null=True)
    done_wall = models.DateTimeField(null=True)
    cancel_wanted = models.BooleanField(default=False)
    reject_code = models.CharField(max_length=60, default="", blank=True)
    reject_detail = models.TextField(default="", blank=True)
    account = models.ForeignKey(  # proven with the portfolio by the trigger
        Account, on_delete=models.PROTECT, related_name="orders", db_index=False, db_constraint=False
    )
    venue_order_id = models.CharField(max_length=80, null=True)

    class Meta:
        indexes = (
            models.Index(fields=["-proposed_wall", "-id"], name="order_newest"),
            models.Index(fields=["portfolio", "proposed_firm"], name="order_rate"),
            models.Index(fields=["state", "approved_wall"], condition=Q(state__in=_OPEN), name="order_open"),
            # The gate's look at the open orders of a book, with every order: never by way of the finished ones.
            models.Index(fields=["portfolio"], condition=Q(state__in=_OPEN), name="order_open_book"),
            models.Index(fields=["symbol", "-proposed_wall"], name="order_symbol"),
            models.Index(fields=["account", "done_wall"], condition=Q(done_wall__isnull=False), name="order_ended"),
            models.Index(fields=["group"], condition=Q(group__isnull=False), name="order_group_members"),
            models.Index(fields=["decision_id"], condition=Q(decision_id__isnull=False), name="order_decision"),
        )
        constraints = (
            models.UniqueConstraint(fields=["client_order_id"], name="order_client_id_once"),
            models.UniqueConstraint(fields=["account", "symbol", "venue_order_id"], name="order_venue_id_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0) | Q(state=OrderState.DENIED), name="order_quantity_positive"
            ),
            models.CheckConstraint(condition=Q(filled_quantity__gte=0), name="order_filled_not_negative"),
            models.CheckConstraint(
                condition=Q(group__isnull=True, role="") | Q(group__isnull=False, role__in=ROLES),
                name="order_role_in_group",
            ),
            models.CheckConstraint(condition=Q(side__in=["buy", "sell"]), name="order_side"),
            models.CheckConstraint(
                condition=Q(reserved_left__gte=0, reserved_left__lte=F("reserved_amount")), name="order_reserved_left"
            ),
            models.CheckConstraint(
                condition=Q(done_wall__isnull=True) | Q(reserved_left=0), name="order_done_holds_no_funds"
            ),
        )
        triggers = (
            check_birth(),
            check_move(),
            check_lease(),
            check_duty(),
            check_replacement(),
            kept_identity(id="id", portfolio="portfolio_id", account="account_id"),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.symbol} {self.type} {self.state}"


class OrderTransition(models.Model):
    """One move of one order; written by the order's triggers only, so its order is there and stays."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="transitions", db_constraint=False)
    from_state = models.CharField(max_length=20, default="", blank=True)
    to_state = models.CharField(max_length=20)
    at_wall = models.DateTimeField()
    at_firm = models.DateTimeField()
    actor = models.CharField(max_length=120)
    note = models.TextField(default="", blank=True)

    class Meta:
        triggers = (written_by_orders(),)

    def __str__(self) -> str:
        return f"{self.from_state or 'new'} to {self.to_state}"
