"""The risk monitor: follows equity, moves its marks, and latches a cause where a loss limit is reached."""

from datetime import UTC
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.money import plain
from apps.trading.domain.portfolio import daily_loss, drawdown
from apps.trading.domain.trading_state import TradingState
from apps.trading.models import Portfolio
from apps.trading.operations.state_causes import DAILY_LOSS, DRAWDOWN, open_cause
from apps.trading.queries.portfolio import read_portfolio
from apps.trading.queries.risk_limits import current_limits

MONITOR = "risk monitor"


def monitor_risk(*, moment: Moment) -> list[str]:
    """Look at every portfolio once; the kinds of causes that were opened. May run as often as wished.

    A portfolio whose equity nobody knows is left as it is: the gate refuses new risk for want of a price anyway.
    """
    return [
        kind for pk in Portfolio.objects.order_by("pk").values_list("pk", flat=True) for kind in _look_at(pk, moment)
    ]


@transaction.atomic
def _look_at(portfolio_id: UUID, moment: Moment) -> list[str]:
    portfolio = Portfolio.objects.select_for_update().get(pk=portfolio_id)
    equity = read_portfolio(moment=moment, portfolio=portfolio).valuation.equity
    if equity is None:
        return []
    _move_marks(portfolio, equity, moment)
    limits = current_limits()
    lost = daily_loss(equity=equity, day_start=portfolio.day_start_equity)
    fall = drawdown(equity=equity, peak=portfolio.peak_equity)
    reached = []
    if lost >= limits.max_daily_loss:
        reason = f"Lost {lost:.2%} today, the limit is {limits.max_daily_loss:.2%}."
        reached.append((DAILY_LOSS, TradingState.REDUCING, reason))
    if fall >= limits.max_drawdown:
        reason = f"Fell {fall:.2%} from the peak, the limit is {limits.max_drawdown:.2%}."
        reached.append((DRAWDOWN, TradingState.HALTED, reason))
    return [kind for kind, state, reason in reached if _latch(kind, state, reason, equity, moment)]


def _move_marks(portfolio: Portfolio, equity: Decimal, moment: Moment) -> None:
    today = moment.firm.astimezone(UTC).date()
    fields = []
    if today > portfolio.day:
        portfolio.day, portfolio.day_start_equity = today, equity
        fields += ["day", "day_start_equity"]
    if equity > portfolio.peak_equity:
        portfolio.peak_equity = equity
        fields.append("peak_equity")
    if fields:
        portfolio.save(update_fields=fields)


def _latch(kind: str, state: TradingState, reason: str, equity: Decimal, moment: Moment) -> bool:
    return open_cause(
        kind=kind,
        state=state,
        latched=True,
        author=MONITOR,
        reason=reason,
        moment=moment,
        facts={"equity": plain(equity)},
    )
