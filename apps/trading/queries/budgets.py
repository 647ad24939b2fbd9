"""The agents' budgets: what each may still spend, and what its orders hold."""

from typing import Any
from uuid import UUID

from apps.foundation.money import ZERO, plain
from apps.trading.domain.books.ledger_postings import AVAILABLE, FIRM, RESERVED, budget_of
from apps.trading.models import LedgerAccount
from apps.trading.queries.accounts import find_account


def budget_views(account: str | None = None) -> list[dict[str, Any]]:
    """Every budget of an account, or of the house's own. Raises ``NotFound`` for an unknown account."""
    owner = find_account(account)
    rows = LedgerAccount.objects.filter(portfolio_id=owner.portfolio_id, asset=owner.portfolio.base_currency)
    balances: dict[str, dict[str, Any]] = {}
    for row in rows.exclude(budget=FIRM).order_by("budget", "kind"):
        balances.setdefault(row.budget, {})[row.kind] = row.balance
    return [_view(name, kinds, owner.name, owner.portfolio.base_currency) for name, kinds in balances.items()]


def budget_view(*, agent_id: UUID, account: str | None = None) -> dict[str, Any]:
    """One agent's budget; nothing free and nothing reserved where it was never given one."""
    found = [view for view in budget_views(account) if view["agent_id"] == str(agent_id)]
    owner = find_account(account)
    return found[0] if found else _view(budget_of(agent_id), {}, owner.name, owner.portfolio.base_currency)


def _view(name: str, kinds: dict[str, Any], account: str, currency: str) -> dict[str, Any]:
    return {
        "agent_id": str(UUID(name.partition(":")[2])),
        "account": account,
        "currency": currency,
        "free": plain(kinds.get(AVAILABLE, ZERO)),
        "reserved": plain(kinds.get(RESERVED, ZERO)),
    }
