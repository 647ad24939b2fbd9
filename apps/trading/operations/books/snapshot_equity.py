"""What each portfolio was worth, minute by minute of the firm clock: the equity curve."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.money import ZERO
from apps.foundation.outbox import record_events
from apps.market import queries as market
from apps.market.domain import timeframes
from apps.trading.domain.books.decimal_math import times
from apps.trading.domain.books.portfolio import drawdown
from apps.trading.models import EquitySnapshot, Portfolio
from apps.trading.operations.orders.announce_changes import portfolio_event
from apps.trading.queries.cursors import cursor
from apps.trading.queries.portfolio import PortfolioReading, growth_of, read_portfolio

FINEST = "1m"
KEPT_WHOLE = timedelta(days=14)  # of the firm clock; older than that, one an hour stays


def snapshot_equity(*, moment: Moment) -> int:
    """Store one snapshot a portfolio and firm minute; how many were new. The risk monitor has moved the peak before.

    A portfolio with a holding that has no price at all gets none: its equity is unknown, not zero.
    """
    if not _bar_is_matched(moment):
        return 0
    at_firm = timeframes.floor_time(moment.firm, FINEST)
    due = Portfolio.objects.exclude(snapshots__at_firm=at_firm).order_by("pk").values_list("pk", flat=True)
    return sum(_snapshot(pk, moment) for pk in due)


def _bar_is_matched(moment: Moment) -> bool:
    """In lock-step a bar's worth is known once its orders were matched."""
    if not market.market_clock().lock_step:
        return True
    through = cursor("paper")
    return through is not None and through >= moment.firm


def prune_equity(*, moment: Moment) -> int:
    """Thin out snapshots older than the kept span to one an hour; how many went."""
    old = EquitySnapshot.objects.filter(at_firm__lt=moment.firm - KEPT_WHOLE, at_firm__minute__gt=0)
    return old.delete()[0]


@transaction.atomic
def _snapshot(portfolio_id: UUID, moment: Moment) -> bool:
    portfolio = Portfolio.objects.select_for_update().get(pk=portfolio_id)
    return store_snapshot(reading=read_portfolio(moment=moment, portfolio=portfolio), moment=moment)


def store_snapshot(*, reading: PortfolioReading, moment: Moment) -> bool:
    """Keep the reading as its minute's snapshot inside the running transaction, which holds the portfolio's lock.

    False when there is one, or while something held has no price: its equity is unknown, not zero.
    """
    worth, portfolio = reading.valuation, reading.portfolio
    at_firm = timeframes.floor_time(moment.firm, FINEST)
    if worth.equity is None or EquitySnapshot.objects.filter(portfolio=portfolio, at_firm=at_firm).exists():
        return False
    EquitySnapshot.objects.create(
        portfolio=portfolio,
        at_firm=at_firm,
        at_wall=moment.wall,
        cash=reading.cash,
        reserved=reading.reserved,
        market_value=worth.market_value or ZERO,
        equity=worth.equity,
        realized_pnl=reading.realized_pnl,
        unrealized_pnl=worth.unrealized_pnl or ZERO,
        fees_paid=reading.fees_paid,
        drawdown_pct=times(drawdown(equity=worth.equity, peak=portfolio.peak_equity), Decimal(100)),
        growth=growth_of(portfolio).at(worth.equity),
        stale=reading.stale,
    )
    record_events([portfolio_event(portfolio.pk)])
    return True
