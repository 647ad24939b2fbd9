"""The books: double entry, append-only, balanced per asset. ``hq_ledger_transfer`` is the only writer."""

import pgtrigger
from django.db import models
from django.db.models import Q

from apps.foundation.fields import MoneyField
from apps.trading.models.kept_identity import kept_identity
from apps.trading.models.portfolio import Portfolio


class LedgerKind(models.TextChoices):
    """Where money sits. ``position``: free units of a base asset, or the cost of all positions in the quote asset.

    ``realised`` is an income account: a profit is a negative balance. ``external`` is the outside world.
    """

    AVAILABLE = "available"
    RESERVED = "reserved"
    POSITION = "position"
    FEES = "fees"
    REALISED = "realised"
    EXTERNAL = "external"


_FLOORED = ["available", "reserved", "position"]


class LedgerAccount(models.Model):
    id = models.UUIDField(primary_key=True)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="accounts", db_index=False)
    budget = models.CharField(max_length=40, default="firm")
    asset = models.CharField(max_length=16)
    kind = models.CharField(max_length=10, choices=LedgerKind.choices)
    balance = MoneyField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["portfolio", "budget", "asset", "kind"], name="ledger_account_once"),
            models.CheckConstraint(condition=~Q(kind__in=_FLOORED) | Q(balance__gte=0), name="ledger_no_overspending"),
        )
        triggers = (
            kept_identity(id="id", portfolio="portfolio_id", budget="budget", asset="asset", kind="kind"),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return f"{self.asset} {self.kind}"


class LedgerTransfer(models.Model):
    """One balanced change with its cause; its id derives from the cause, so a redelivery does nothing."""

    id = models.UUIDField(primary_key=True)
    portfolio = models.ForeignKey(  # the portfolio of the accounts it is posted to: proven with its postings
        Portfolio, on_delete=models.PROTECT, related_name="transfers", db_index=False, db_constraint=False
    )
    cause_kind = models.CharField(max_length=40)
    cause_id = models.CharField(max_length=120)
    order_id = models.UUIDField(null=True, db_index=True)
    at_wall = models.DateTimeField()
    at_firm = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["-at_wall", "-id"], name="ledger_newest"),)
        constraints = (models.UniqueConstraint(fields=["cause_kind", "cause_id"], name="ledger_cause_once"),)

    def __str__(self) -> str:
        return f"{self.cause_kind} {self.cause_id}"


# The looks are scalar queries, so that they go by the primary keys whatever the planner thinks of the tables' sizes.
_FITS = (
    "bool_and(coalesce((SELECT portfolio_id FROM trading_ledgertransfer WHERE id = transfer_id) = "
    "(SELECT a.portfolio_id FROM trading_ledgeraccount a WHERE a.id = account_id AND a.asset = added.asset), false))"
)
_BALANCED = (
    f"SELECT transfer_id, asset, sum(amount) AS difference, {_FITS} AS fits INTO wrong FROM added "  # noqa: S608 - our own
    f"GROUP BY transfer_id, asset HAVING sum(amount) <> 0 OR NOT {_FITS} LIMIT 1; "
    "IF NOT FOUND THEN RETURN NULL; END IF; "
    "IF wrong.fits THEN RAISE EXCEPTION 'Transfer % does not balance: % % are left over', "
    "wrong.transfer_id, wrong.difference, wrong.asset USING ERRCODE = 'check_violation'; END IF; "
    "RAISE EXCEPTION 'A posting of % names a transfer % or an account that is not there, or of another portfolio', "
    "wrong.asset, wrong.transfer_id USING ERRCODE = 'foreign_key_violation';"
)


class LedgerPosting(models.Model):
    """One leg. That transfer and account are there, and fit, is proven by the trigger: neither is ever deleted."""

    transfer = models.ForeignKey(LedgerTransfer, on_delete=models.PROTECT, related_name="postings", db_constraint=False)
    account = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="postings", db_index=False, db_constraint=False
    )
    asset = models.CharField(max_length=16)
    amount = MoneyField()

    class Meta:
        constraints = (models.CheckConstraint(condition=~Q(amount=0), name="ledger_posting_not_empty"),)
        triggers = (
            # Each statement brings whole transfers (hq_ledger_transfer writes one), so what is there stays balanced.
            pgtrigger.Trigger(
                name="balanced",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="added"),  # type: ignore[no-untyped-call]
                declare=[("wrong", "RECORD")],
                func=_BALANCED,
            ),
        )

    def __str__(self) -> str:
        return f"{self.amount} {self.asset}"
