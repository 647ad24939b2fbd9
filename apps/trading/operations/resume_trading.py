"""Re-arm trading after a latched cause: a person answers for it with a reason."""

from datetime import UTC
from typing import Any

from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict
from apps.trading.models import Portfolio, StateCause
from apps.trading.operations.lock_portfolios import lock_portfolios
from apps.trading.operations.required_reason import required_reason
from apps.trading.operations.state_causes import DAILY_LOSS, DRAWDOWN, close_causes
from apps.trading.queries.portfolio import read_portfolio
from apps.trading.queries.trading_state import state_view


@transaction.atomic
def resume_trading(*, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """The state after closing every latched cause; causes that clear themselves stay until they do.

    A loss limit that is re-armed is measured anew from here, else it would close the gate again at once.
    Raises ``Refused`` without a reason and ``Conflict`` (``not_latched``) when no latched cause is open.
    """
    reason = required_reason(reason)
    portfolios = lock_portfolios()
    kinds = list(StateCause.objects.filter(closed_wall__isnull=True, latched=True).values_list("kind", flat=True))
    closed = close_causes(kinds=kinds, actor=actor, reason=reason, moment=moment)
    if not closed:
        raise Conflict("Nothing to resume: no latched cause is open.", code="not_latched")
    for portfolio in portfolios:
        _measure_anew(portfolio, closed, moment)
    return {**state_view(), "closed": closed}


def _measure_anew(portfolio: Portfolio, closed: list[str], moment: Moment) -> None:
    equity = read_portfolio(moment=moment, portfolio=portfolio).valuation.equity
    if equity is None:
        return
    if DAILY_LOSS in closed:
        portfolio.day, portfolio.day_start_equity = moment.firm.astimezone(UTC).date(), equity
    if DRAWDOWN in closed:
        portfolio.peak_equity = equity
    portfolio.save(update_fields=["day", "day_start_equity", "peak_equity"])
