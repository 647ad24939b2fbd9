"""Re-arm trading after a latched cause: a person answers for it with a reason."""

from datetime import UTC
from typing import Any

from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict
from apps.trading.domain.risk.cause_kinds import RESTORED
from apps.trading.models import Account, Portfolio, StateCause
from apps.trading.operations.books.lock_portfolios import lock_portfolios
from apps.trading.operations.risk.required_reason import required_reason
from apps.trading.operations.risk.state_causes import DAILY_LOSS, DRAWDOWN, close_causes
from apps.trading.queries.portfolio import read_portfolio
from apps.trading.queries.trading_state import state_view


@transaction.atomic
def resume_trading(*, actor: str, reason: str, moment: Moment, account: str | None = None) -> dict[str, Any]:
    """The state after closing every latched cause; causes that clear themselves stay until they do.

    ``account``: only that account's causes; without one the house's and every account's. A loss limit that is re-armed
    is measured anew from here, else it would close the gate again at once.
    Raises ``Refused`` without a reason, ``Conflict`` (``not_latched``) when no latched cause is open, and ``Conflict``
    (``not_reconciled``) while books from a backup have not been compared with every venue.
    """
    reason = required_reason(reason)
    portfolios = lock_portfolios()
    latched = StateCause.objects.filter(closed_wall__isnull=True, latched=True)
    if account is not None:
        latched = latched.filter(account=account)
    causes = list(latched.values_list("kind", "account"))
    if (RESTORED, "") in causes:
        _refuse_uncompared()
    closed = close_causes(
        kinds=[kind for kind, _ in causes], account=account, actor=actor, reason=reason, moment=moment
    )
    if not closed:
        raise Conflict("Nothing to resume: no latched cause is open.", code="not_latched")
    owners = dict(Account.objects.values_list("portfolio_id", "pk"))
    for portfolio in portfolios:
        mine = [kind for kind, owner in causes if owner in {"", owners.get(portfolio.pk, "")}]
        _measure_anew(portfolio, mine, moment)
    return {**state_view(), "closed": closed}


def _refuse_uncompared() -> None:
    """Books from a backup may lack orders, trades and money until each venue has told of them."""
    owed = Account.objects.filter(enabled=True, reconciliation__passed_wall__isnull=True)
    names = list(owed.order_by("pk").values_list("pk", flat=True))
    if names:
        raise Conflict(
            f"The books come from a backup, and {', '.join(names)} has not been compared with its venue since. Wait"
            " until the comparison has passed; an account whose venue can't be reached any more is disabled first.",
            code="not_reconciled",
        )


def _measure_anew(portfolio: Portfolio, closed: list[str], moment: Moment) -> None:
    equity = read_portfolio(moment=moment, portfolio=portfolio).valuation.equity
    if equity is None:
        return
    if DAILY_LOSS in closed:
        portfolio.day = moment.firm.astimezone(UTC).date()
        portfolio.day_start_equity = portfolio.day_capital = equity
    if DRAWDOWN in closed:
        portfolio.peak_equity = equity
    portfolio.save(update_fields=["day", "day_start_equity", "day_capital", "peak_equity"])
