"""One look of the stop guard: every position covered, triggered stops fired, limits watched.

It works in every trading state: a halt stops new risk, never the protection of what is held.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F, Sum

from apps.foundation.clock import Moment
from apps.foundation.money import ZERO, plain
from apps.market import queries as market
from apps.trading.domain.order_lifecycle import OPEN, OrderState
from apps.trading.domain.stop_triggers import stop_is_hit
from apps.trading.models import Cursor, Order, Portfolio, Position
from apps.trading.operations.cover_position import cover_position, protective_orders
from apps.trading.operations.expire_orders import expire_orders
from apps.trading.operations.fire_armed_order import fire_armed_order
from apps.trading.operations.fire_protective_stop import fire_protective_stop
from apps.trading.operations.match_paper_orders import CURSOR as PAPER_CURSOR
from apps.trading.operations.monitor_risk import monitor_risk
from apps.trading.operations.move_cursor import move_cursor
from apps.trading.operations.snapshot_equity import snapshot_equity
from apps.trading.operations.want_incident import want_incident

CURSOR = "guard"


@dataclass(frozen=True, slots=True)
class Seen:
    """A stretch of the market a stop is held against: a bar, or a live mark (both times None)."""

    symbol: str
    low: Decimal
    high: Decimal
    open_at: datetime | None = None
    close_at: datetime | None = None


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
    armed = _armed()
    _fire_waiting(armed, moment)
    if not clock.lock_step:
        _fire_hit(armed, _live_marks(armed, moment), moment)
    elif new and through is not None:
        _fire_hit(armed, _bars(armed, through, moment.firm), moment)
    if clock.lock_step and not new:
        return False
    monitor_risk(moment=moment)
    snapshot_equity(moment=moment)
    until = moment.firm if clock.lock_step else clock.bar_at
    return until is not None and move_cursor(name=CURSOR, through=until) and clock.lock_step


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
    stops = Order.objects.select_for_update().filter(protective_orders(portfolio_id=portfolio_id, symbol=symbol))
    before = sum((order.quantity - order.filled_quantity for order in stops.order_by("pk")), ZERO)
    position = Position.objects.select_for_update().get(portfolio_id=portfolio_id, symbol=symbol)
    if cover_position(position=position, moment=moment) and before < position.quantity:
        detail = (
            f"{plain(position.quantity)} {symbol} were held, {plain(before)} were covered; the guard armed the rest."
        )
        want_incident(kind="position_uncovered", subject=f"position:{symbol}", detail=detail)


def _armed() -> list[Order]:
    return list(Order.objects.filter(state=OrderState.ARMED).order_by("pk"))


def _fire_waiting(armed: Iterable[Order], moment: Moment) -> None:
    """Stops that were hit while other sales held the units."""
    for order in armed:
        if order.is_protective and order.triggered_firm is not None and not order.reserved_left:
            fire_protective_stop(order_id=order.pk, reason="Its units became free after it was hit.", moment=moment)


def _bars(armed: Iterable[Order], after: datetime, until: datetime) -> list[Seen]:
    """The bars of instruments with armed orders, in the order of (bar, symbol)."""
    seen = [
        Seen(symbol=symbol, low=bar.low, high=bar.high, open_at=bar.open_at, close_at=bar.close_at)
        for symbol in _watched(armed)
        for bar in market.bars_between(symbol=symbol, after=after, until=until)
    ]
    return sorted(seen, key=lambda each: (each.close_at, each.symbol))


def _live_marks(armed: Iterable[Order], moment: Moment) -> list[Seen]:
    """The marks of instruments with armed orders; a stale or missing one shows nothing."""
    marks = market.marks(_watched(armed), moment)
    return [
        Seen(symbol=symbol, low=mark.price, high=mark.price)
        for symbol, mark in sorted(marks.items())
        if mark.price is not None and not mark.stale
    ]


def _watched(armed: Iterable[Order]) -> list[str]:
    return sorted({order.symbol for order in armed if order.triggered_firm is None})


def _fire_hit(armed: Iterable[Order], market_seen: Iterable[Seen], moment: Moment) -> None:
    watched: dict[str, list[Order]] = defaultdict(list)
    for order in armed:
        if order.triggered_firm is None:
            watched[order.symbol].append(order)
    held = Position.objects.filter(quantity__gt=0) if watched else Position.objects.none()
    opened = {(row.portfolio_id, row.symbol): row.opened_firm for row in held}
    for seen in market_seen:
        for order in list(watched[seen.symbol]):
            since = opened.get((order.portfolio_id, order.symbol)) if order.is_protective else order.proposed_firm
            if _hit(order, seen, since):
                watched[seen.symbol].remove(order)
                _fire(order, seen, moment)


def _hit(order: Order, seen: Seen, watched_since: datetime | None) -> bool:
    """A bar that opened before the order was watched is not held against it."""
    if order.stop_price is None or (seen.open_at and (watched_since is None or seen.open_at < watched_since)):
        return False
    return stop_is_hit(side=order.side, stop_price=order.stop_price, low=seen.low, high=seen.high)


def _fire(order: Order, seen: Seen, moment: Moment) -> None:
    if not order.is_protective:
        fire_armed_order(order_id=order.pk, moment=moment)
        return
    where = f"in the bar that closed at {seen.close_at:%Y-%m-%d %H:%M}" if seen.close_at else "at the live mark"
    reason = f"The price fell to {plain(seen.low)} {where}; the stop was {plain(order.stop_price)}."
    fire_protective_stop(order_id=order.pk, reason=reason, moment=moment)
