"""One look of the stop guard: every position covered, triggered stops fired, limits watched.

It works in every trading state: a halt stops new risk, never the protection of what is held.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F, Sum

from apps.foundation.clock import Moment
from apps.foundation.money import ZERO, plain
from apps.market import queries as market
from apps.trading.domain.orders.order_lifecycle import OPEN
from apps.trading.models import Cursor, Order, Portfolio, Position
from apps.trading.operations.execution.match_paper_orders import CURSOR as PAPER_CURSOR
from apps.trading.operations.execution.move_cursor import move_cursor
from apps.trading.operations.orders.expire_orders import expire_orders
from apps.trading.operations.orders.settle_groups import settle_instrument
from apps.trading.operations.protection.chase_exits import chase_exits
from apps.trading.operations.protection.cover_position import cover_position, protective_orders
from apps.trading.operations.protection.fire_protective_stop import fire_protective_stop
from apps.trading.operations.protection.watch_triggers import Seen, armed_orders, fire_hit, seen_in_bars, seen_live
from apps.trading.operations.risk.monitor_risk import monitor_risk
from apps.trading.operations.risk.want_incident import want_incident

CURSOR = "guard"


def guard_cycle(*, moment: Moment) -> bool:
    """Watch over the positions once; True when a new bar (or live minute) was gone through.

    In lock-step it waits for the paper exchange to have matched the bar, so that no position of this bar is missed. A
    crash repeats the bar: what was fired is not armed any more, and a snapshot exists once.
    """
    clock = market.market_clock()
    through = _reached(CURSOR)
    if clock.lock_step:
        matched = _reached(PAPER_CURSOR)
        if clock.bar_at is None or matched is None or matched < moment.firm:
            return False
    new = through is None or through < moment.firm
    _prove_coverage(moment)
    expire_orders(moment=moment)
    _settle_groups(moment)
    chase_exits(clock=clock, moment=moment)
    armed = armed_orders()
    _fire_waiting(armed, moment)
    fire_hit(armed, _seen(armed, clock, through, moment), moment)
    if clock.lock_step and not new:
        return False
    monitor_risk(moment=moment, snapshot=True)
    until = moment.firm if clock.lock_step else clock.bar_at
    return until is not None and move_cursor(name=CURSOR, through=until) and clock.lock_step


def _seen(armed: list[Order], clock: market.MarketClockView, through: datetime | None, moment: Moment) -> list[Seen]:
    """What the market showed since the last look: bars, and on a live market the marks of now behind them.

    The bars of a live market catch what happened between two looks, or while the quotes were away with Redis.
    """
    until = moment.firm if clock.lock_step else clock.bar_at
    seen = (
        seen_in_bars(armed, after=through, until=until, base=clock.base_timeframe)
        if through is not None and until is not None and through < until
        else []
    )
    return seen if clock.lock_step else [*seen, *seen_live(armed, moment)]


def _reached(name: str) -> datetime | None:
    return Cursor.objects.filter(name=name).values_list("through", flat=True).first()


def _prove_coverage(moment: Moment) -> None:
    """Arm what is missing. A fill arms its own stop, so finding one missing here is worth an incident."""
    covered: dict[tuple[UUID, str], Decimal] = {}
    open_stops = Order.objects.filter(is_protective=True, state__in=OPEN).values("portfolio_id", "symbol")
    for row in open_stops.annotate(left=Sum(F("quantity") - F("filled_quantity"))).order_by():
        covered[row["portfolio_id"], row["symbol"]] = row["left"]
    held = {(p.portfolio_id, p.symbol): p.quantity for p in Position.objects.filter(quantity__gt=0)}
    for portfolio_id, symbol in sorted(held.keys() | covered.keys(), key=str):
        key = (portfolio_id, symbol)
        if held.get(key, ZERO) != covered.get(key, ZERO):
            _cover(portfolio_id, symbol, moment)


@transaction.atomic
def _cover(portfolio_id: UUID, symbol: str, moment: Moment) -> None:
    Portfolio.objects.select_for_update().get(pk=portfolio_id)
    stops = Order.objects.select_for_update().filter(protective_orders(portfolio_id=portfolio_id, symbols=[symbol]))
    before = sum((order.quantity - order.filled_quantity for order in stops.order_by("pk")), ZERO)
    position = Position.objects.select_for_update().get(portfolio_id=portfolio_id, symbol=symbol)
    if cover_position(position=position, moment=moment) and before < position.quantity:
        detail = (
            f"{plain(position.quantity)} {symbol} were held, {plain(before)} were covered; the guard armed the rest."
        )
        want_incident(kind="position_uncovered", subject=f"position:{symbol}", detail=detail)


def _settle_groups(moment: Moment) -> None:
    """A group's rules run with each fill and each end; this finds what a venue's own word left behind."""
    grouped = Order.objects.filter(state__in=OPEN, group__isnull=False)
    for portfolio_id, symbol in grouped.values_list("portfolio_id", "symbol").distinct().order_by("symbol"):
        settle_instrument(portfolio_id=portfolio_id, symbol=symbol, moment=moment)


def _fire_waiting(armed: Iterable[Order], moment: Moment) -> None:
    """Stops that were hit while other sales held the units."""
    for order in armed:
        if order.is_protective and order.triggered_firm is not None and not order.reserved_left:
            fire_protective_stop(order_id=order.pk, reason="Its units became free after it was hit.", moment=moment)
