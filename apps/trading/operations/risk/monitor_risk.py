"""The risk monitor: follows equity, moves its marks, latches loss limits, and follows what clears by itself."""

from datetime import UTC
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F

from apps.foundation.clock import Moment
from apps.foundation.money import ZERO
from apps.market import queries as market
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.risk.in_flight import InFlight, in_flight_loss
from apps.trading.domain.risk.loss_limits import LossMarks, LossStanding
from apps.trading.domain.risk.risk_limits import LimitValues
from apps.trading.domain.risk.stale_data import Sight
from apps.trading.models import Order, Portfolio, Position
from apps.trading.operations.books.snapshot_equity import store_snapshot
from apps.trading.operations.risk.follow_conditions import follow_conditions
from apps.trading.operations.risk.latch_losses import latch_reached_limits
from apps.trading.queries.portfolio import PortfolioReading, read_portfolio
from apps.trading.queries.risk_limits import current_limits

IN_FLIGHT = (
    OrderState.SUBMITTING,
    OrderState.UNKNOWN,
    OrderState.ACCEPTED,
    OrderState.PARTIALLY_FILLED,
    OrderState.PENDING_CANCEL,
)


def monitor_risk(*, moment: Moment, snapshot: bool = False) -> list[str]:
    """Look at every portfolio once; the kinds of causes that were opened. May run as often as wished.

    A portfolio whose equity nobody knows is left as it is: the gate refuses new risk for want of a price anyway.
    ``snapshot``: also store the equity of this minute, from the same reading.
    """
    held = set(Position.objects.filter(quantity__gt=0, closed_firm=None).values_list("symbol", flat=True))
    watched = set(market.watched_symbols())
    sight = Sight(market.marks(sorted(held | watched), moment), frozenset(held), frozenset(watched))
    limits = current_limits()
    portfolios = Portfolio.objects.order_by("pk").values_list("pk", flat=True)
    kinds = [kind for pk in portfolios for kind in _look_at(pk, sight, limits, moment, snapshot=snapshot)]
    return kinds + follow_conditions(sight=sight, limits=limits, moment=moment)


@transaction.atomic
def _look_at(portfolio_id: UUID, sight: Sight, limits: LimitValues, moment: Moment, *, snapshot: bool) -> list[str]:
    portfolio = Portfolio.objects.select_for_update(of=("self",)).select_related("account").get(pk=portfolio_id)
    reading = read_portfolio(moment=moment, portfolio=portfolio, marks=sight.marks)
    equity = reading.valuation.equity
    if equity is None:
        return []
    _move_marks(portfolio, equity, moment)
    orders = _in_flight(portfolio)
    standing = LossStanding(
        equity=equity,
        in_flight_loss=in_flight_loss(orders, _prices(reading, orders, moment)),
        day_start_equity=portfolio.day_start_equity,
        peak_equity=portfolio.peak_equity,
    )
    if snapshot:
        store_snapshot(reading=reading, moment=moment)
    return latch_reached_limits(standing=standing, account=portfolio.account.pk, limits=limits, moment=moment)


def _in_flight(portfolio: Portfolio) -> list[InFlight]:
    rows = Order.objects.filter(portfolio=portfolio, state__in=IN_FLIGHT).annotate(
        left=F("quantity") - F("filled_quantity")
    )
    found = rows.values_list("symbol", "side", "left", "limit_price", "mark_price")
    return [
        InFlight(symbol, side, left or ZERO, limit if limit is not None else mark)
        for symbol, side, left, limit, mark in found
        if limit is not None or mark is not None
    ]


def _prices(reading: PortfolioReading, orders: list[InFlight], moment: Moment) -> dict[str, Decimal | None]:
    more = sorted({order.symbol for order in orders} - reading.marks.keys())
    marks = {**reading.marks, **market.marks(more, moment)} if more else reading.marks
    return {symbol: mark.price for symbol, mark in marks.items()}


def _move_marks(portfolio: Portfolio, equity: Decimal, moment: Moment) -> None:
    before = LossMarks(portfolio.day, portfolio.day_start_equity, portfolio.peak_equity)
    after = before.at(equity=equity, today=moment.firm.astimezone(UTC).date())
    fields = []
    if after.day != before.day:
        portfolio.day, portfolio.day_start_equity, portfolio.day_capital = after.day, equity, equity
        fields += ["day", "day_start_equity", "day_capital"]
    if after.peak_equity != before.peak_equity:
        portfolio.peak_equity = after.peak_equity
        fields.append("peak_equity")
    if fields:
        portfolio.save(update_fields=fields)
