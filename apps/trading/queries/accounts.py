"""The accounts the firm trades on: which there are, which one the house trades, what each holds."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from apps.foundation.errors import NotFound, NotReady
from apps.foundation.money import plain
from apps.foundation.time_text import utc_text
from apps.trading.models import Account, Order
from apps.trading.queries.live_needs import live_needs


def house_account() -> str:
    """The account that the consensus trades: the setting ``VENUE``."""
    return str(settings.VENUE)


def all_accounts() -> QuerySet[Account]:
    """Every account with its portfolio, oldest first."""
    return Account.objects.select_related("portfolio").order_by("created_wall", "name")


def find_account(name: str | None = None) -> Account:
    """One account with its portfolio; None is the house's own, or, before that exists, the oldest.

    Raises ``NotFound`` (``unknown_account``), and ``NotReady`` (``no_portfolio``) before any account was opened.
    """
    row = all_accounts().filter(pk=name or house_account()).first()
    if row is not None:
        return row
    if name is not None:
        raise NotFound(f"There is no account {name}.", code="unknown_account", field="account")
    oldest = all_accounts().first()
    if oldest is None:
        raise NotReady("No portfolio has been opened yet.", code="no_portfolio")
    return oldest


def account_of_order(order_id: UUID) -> str:
    """The account an order belongs to. Raises ``NotFound`` (``unknown_order``)."""
    name = Order.objects.filter(pk=order_id).values_list("account_id", flat=True).first()
    if name is None:
        raise NotFound(f"There is no order {order_id}.", code="unknown_order", field="id")
    return name


def account_view(name: str) -> dict[str, Any]:
    """One account with its balances in the books. Raises ``NotFound`` (``unknown_account``)."""
    find_account(name)
    return account_views(Account.objects.filter(pk=name))[0]


def account_views(accounts: Iterable[Account] | None = None) -> list[dict[str, Any]]:
    """Accounts (all when none are given) with the ledger's balances. Keys are never shown, sealed ones neither."""
    rows = all_accounts() if accounts is None else accounts
    if isinstance(rows, QuerySet):
        rows = rows.select_related("portfolio").prefetch_related("portfolio__accounts")
    return [_view(account) for account in rows]


def _view(account: Account) -> dict[str, Any]:
    portfolio = account.portfolio
    return {
        "name": account.name,
        "venue": account.venue,
        "mode": account.mode,
        "portfolio_id": str(portfolio.pk),
        "base_currency": portfolio.base_currency,
        "starting_capital": plain(portfolio.starting_capital),
        "enabled": account.enabled,
        "house": account.name == house_account(),
        "has_keys": bool(account.sealed_keys),
        "checked_at": utc_text(account.checked_wall),
        "live_needs": [need.as_json() for need in live_needs(account)],
        "trouble_code": account.trouble_code,
        "trouble": account.trouble,
        "created_at": utc_text(account.created_wall),
        "created_by": account.created_by,
        "enabled_at": utc_text(account.enabled_wall),
        "enabled_by": account.enabled_by,
        "balances": [
            {"asset": row.asset, "kind": row.kind, "budget": row.budget, "balance": plain(row.balance)}
            for row in sorted(portfolio.accounts.all(), key=lambda row: (row.asset, row.kind, row.budget))
        ],
    }
