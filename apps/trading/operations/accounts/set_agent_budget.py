"""Give an agent a budget of its own, raise it, or take it back: money moves between the firm's pot and the agent's."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.foundation.identifiers import new_id
from apps.foundation.money import ZERO, exact, plain
from apps.foundation.outbox import record_events
from apps.trading.domain.books.ledger_postings import AVAILABLE, FIRM, budget_of, funding
from apps.trading.models import LedgerAccount, Portfolio
from apps.trading.operations.books.post_transfer import post_transfer
from apps.trading.operations.orders.announce_changes import portfolio_event
from apps.trading.operations.risk.required_reason import required_reason
from apps.trading.queries.accounts import find_account
from apps.trading.queries.budgets import budget_view

# An empty budget is one too: its row must be there, under the identifier that every transfer gives it.
_EMPTY_BUDGET = """
INSERT INTO trading_ledgeraccount (id, portfolio_id, budget, asset, kind, balance)
VALUES (md5(%s::text || '/' || %s || '/' || %s || '/available')::uuid, %s, %s, %s, 'available', 0)
ON CONFLICT (id) DO NOTHING
"""


@transaction.atomic
def set_agent_budget(
    *, agent_id: UUID, amount: Decimal, actor: str, reason: str, moment: Moment, account: str | None = None
) -> dict[str, Any]:
    """The budget after its free money was set to ``amount`` of the account's currency.

    What the agent's orders have reserved stays theirs. From the first setting on, its buys are paid from here only;
    zero lets it buy nothing. Raises ``Refused`` naming the field, and ``NotFound`` for an unknown account.
    """
    reason = required_reason(reason)
    if not amount.is_finite() or amount < 0:
        raise Refused(f"amount must be zero or more, was {amount}.", code="not_positive", field="amount")
    owner = find_account(account)
    portfolio = Portfolio.objects.select_for_update().get(pk=owner.portfolio_id)
    asset, budget = portfolio.base_currency, budget_of(agent_id)
    change = exact(amount) - _free(portfolio, asset, budget)
    _require_money(change, _free(portfolio, asset, FIRM), asset)
    post_transfer(
        portfolio_id=portfolio.pk,
        cause_kind="budget",
        cause_id=str(new_id()),
        postings=funding(asset=asset, amount=change, budget=budget),
        moment=moment,
    )
    with connection.cursor() as cursor:
        cursor.execute(_EMPTY_BUDGET, [portfolio.pk, budget, asset, portfolio.pk, budget, asset])
    record_events([portfolio_event(portfolio.pk)])
    audit.append(
        chain=audit.account_chain(portfolio.pk),
        action="budget.set",
        actor=actor,
        subject=f"agent:{agent_id}",
        payload={"amount": plain(amount), "change": plain(change), "asset": asset, "reason": reason},
        moment=moment,
    )
    return budget_view(agent_id=agent_id, account=owner.name)


def _free(portfolio: Portfolio, asset: str, budget: str) -> Decimal:
    rows = LedgerAccount.objects.filter(portfolio=portfolio, asset=asset, budget=budget, kind=AVAILABLE)
    return rows.values_list("balance", flat=True).first() or ZERO


def _require_money(change: Decimal, free: Decimal, asset: str) -> None:
    if change > free:
        raise Refused(
            f"The budget would need {plain(change)} {asset} more; the firm has {plain(free)} free. Ask for less.",
            code="insufficient_balance",
            field="amount",
        )
