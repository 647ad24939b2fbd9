"""How much of each limit is used now: what the gate would measure, without an order."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from apps.foundation.clock import Moment
from apps.foundation.money import ZERO, plain
from apps.foundation.time_text import utc_text
from apps.trading.domain.books.decimal_math import over, times
from apps.trading.domain.books.portfolio import drawdown
from apps.trading.domain.orders.order_lifecycle import OPEN, OrderState
from apps.trading.domain.risk.risk_limits import LimitValues
from apps.trading.models import Order, VenueHealth
from apps.trading.queries.accounts import find_account
from apps.trading.queries.portfolio import PortfolioReading, read_portfolio
from apps.trading.queries.risk_limits import current_limits

HOUR = timedelta(hours=1)


def limit_use(*, moment: Moment, account: str | None = None) -> dict[str, Any]:
    """Use of the limits by an account, or by the house's own; null where it can't be measured without a price.

    Raises ``NotFound`` for an unknown account and ``NotReady`` before a portfolio was opened.
    """
    owner = find_account(account)
    reading = read_portfolio(moment=moment, portfolio=owner.portfolio)
    limits = current_limits()
    orders = Order.objects.filter(portfolio_id=owner.portfolio_id)
    health = VenueHealth.objects.filter(pk=owner.pk).first()
    offset = None if health is None or health.clock_offset_ms is None else abs(health.clock_offset_ms)
    rows = [
        *_shares(reading, orders, limits),
        *_losses(reading, limits),
        *_counts(orders, limits, moment),
        _row("max_clock_skew_ms", offset, limits.max_clock_skew_ms, f"Clock of {owner.venue}"),
    ]
    return {"account": owner.pk, "as_of": utc_text(moment.firm), "stale": reading.stale, "use": rows}


def _shares(reading: PortfolioReading, orders: QuerySet[Order], limits: LimitValues) -> list[dict[str, Any]]:
    exposures = _exposures(reading, orders)
    equity = reading.valuation.equity
    assets: dict[str, Decimal | None] = {}
    for symbol, value in exposures.items():
        base, before = symbol.partition("/")[0], assets.get(symbol.partition("/")[0], ZERO)
        assets[base] = None if value is None or before is None else before + value
    largest, most = _largest(exposures), _largest(assets)
    return [
        _row("max_position_share", _share(largest[1], equity), limits.max_position_share, largest[0]),
        _row("max_gross_exposure", _share(_sum(exposures.values()), equity), limits.max_gross_exposure, "Everything"),
        _row("max_asset_share", _share(most[1], equity), limits.max_asset_share, most[0]),
    ]


def _exposures(reading: PortfolioReading, orders: QuerySet[Order]) -> dict[str, Decimal | None]:
    """Value of what is held and the money that working buys hold, by instrument; None for one without a price."""
    buys = orders.filter(state__in=OPEN, side="buy").values_list("symbol").annotate(held=Sum("reserved_left"))
    found: dict[str, Decimal | None] = dict(buys.order_by())
    for held in reading.positions:
        price = reading.marks[held.symbol].price
        found[held.symbol] = None if price is None else times(held.quantity, price) + (found.get(held.symbol) or ZERO)
    return found


def _losses(reading: PortfolioReading, limits: LimitValues) -> list[dict[str, Any]]:
    equity, portfolio = reading.valuation.equity, reading.portfolio
    lost = None if equity is None else drawdown(equity=equity, peak=portfolio.day_start_equity)
    fall = None if equity is None else drawdown(equity=equity, peak=portfolio.peak_equity)
    return [
        _row("max_daily_loss", lost, limits.max_daily_loss, "Since the day began"),
        _row("max_drawdown", fall, limits.max_drawdown, "Since the highest equity"),
        _row("max_losses_in_row", portfolio.losses_in_row, limits.max_losses_in_row, "Closed positions"),
    ]


def _counts(orders: QuerySet[Order], limits: LimitValues, moment: Moment) -> list[dict[str, Any]]:
    counted = orders.filter(state__in=OPEN).aggregate(
        open=Count("pk", filter=Q(is_protective=False)), unknown=Count("pk", filter=Q(state=OrderState.UNKNOWN))
    )
    hour = orders.filter(proposed_firm__gt=moment.firm - HOUR, proposed_firm__lte=moment.firm, side="buy")
    approved = hour.exclude(state=OrderState.DENIED).count()
    return [
        _row("max_orders_per_hour", approved, limits.max_orders_per_hour, "Buys of the last hour"),
        _row("max_open_orders", counted["open"], limits.max_open_orders, "Open orders"),
        _row("max_unknown_orders", counted["unknown"], limits.max_unknown_orders, "Orders of unknown outcome"),
    ]


def _row(limit: str, used: Decimal | int | None, holds: Decimal | int, about: str) -> dict[str, Any]:
    share = None if used is None or not holds else over(Decimal(used) * 100, Decimal(holds))
    return {
        "limit": limit,
        "used": None if used is None else (used if isinstance(used, int) else format(used, ".6f")),
        "holds": holds if isinstance(holds, int) else plain(holds),
        "used_pct": None if share is None else format(share, ".2f"),
        "about": about,
    }


def _largest(values: dict[str, Decimal | None]) -> tuple[str, Decimal | None]:
    """The name and size of the largest; the name of one without a price, which could be it."""
    unknown = sorted(name for name, value in values.items() if value is None)
    if unknown:
        return unknown[0], None
    return max(values.items(), key=lambda item: (item[1], item[0]), default=("Nothing is held", ZERO))


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    known = list(values)
    return None if None in known else sum((value for value in known if value is not None), ZERO)


def _share(value: Decimal | None, equity: Decimal | None) -> Decimal | None:
    return None if value is None or equity is None or equity <= 0 else over(value, equity)
