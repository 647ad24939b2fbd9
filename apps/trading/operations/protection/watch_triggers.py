"""Hold armed orders against what the market showed, let trailing stops follow, fire what was hit.

On bars, what is hit at the open comes first, then stops, then take-profits: inside a bar nobody knows the order, and
the worse one is assumed. What fires is sent at once and meets the market after the bar, so a gap fills at the gap.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.money import plain
from apps.market import queries as market
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.orders.order_types import STOP_TYPES
from apps.trading.domain.stops.stop_triggers import Stretch, Trail, hit_at_open, is_hit, trail
from apps.trading.models import Order, Position
from apps.trading.operations.orders.announce_changes import announce_order
from apps.trading.operations.protection.fire_armed_order import fire_armed_order
from apps.trading.operations.protection.fire_protective_stop import fire_protective_stop


@dataclass(frozen=True, slots=True)
class Seen:
    """A stretch of one instrument's market: a bar, or a live mark (both times None)."""

    symbol: str
    stretch: Stretch
    open_at: datetime | None = None
    close_at: datetime | None = None

    @property
    def where(self) -> str:
        return f"in the bar that closed at {self.close_at:%Y-%m-%d %H:%M}" if self.close_at else "at the live mark"


def armed_orders() -> list[Order]:
    """Everything that waits for a trigger, in one order on every run."""
    return list(Order.objects.filter(state=OrderState.ARMED).order_by("pk"))


def seen_in_bars(armed: Iterable[Order], *, after: datetime, until: datetime, base: str) -> list[Seen]:
    """The bars of instruments with armed orders, in the order of (bar, symbol), in one read."""
    return [
        Seen(bar.symbol, Stretch(bar.open, bar.low, bar.high, bar.close), bar.open_at, bar.close_at)
        for bar in market.bars_of(symbols=_watched(armed), after=after, until=until, base=base)
    ]


def seen_live(armed: Iterable[Order], moment: Moment) -> list[Seen]:
    """The marks of instruments with armed orders; a stale, missing or closed one shows nothing."""
    marks = market.marks(_watched(armed), moment)
    return [
        Seen(symbol, Stretch.of_price(mark.price))
        for symbol, mark in sorted(marks.items())
        if mark.price is not None and not mark.stale and not mark.closed
    ]


def _watched(armed: Iterable[Order]) -> list[str]:
    return sorted({order.symbol for order in armed if order.triggered_firm is None})


def fire_hit(armed: Iterable[Order], market_seen: Iterable[Seen], moment: Moment) -> None:
    """Go through the stretches in their order and fire each order at its first hit."""
    watched: dict[str, list[Order]] = defaultdict(list)
    for order in armed:
        if order.triggered_firm is None:
            watched[order.symbol].append(order)
    opened = _opened() if watched else {}
    for seen in market_seen:
        counted = [order for order in watched[seen.symbol] if _counts(order, seen, opened)]
        hit = [order for order in counted if _follow(order, seen)]
        for order in sorted(hit, key=lambda each: _rank(each, seen)):
            watched[seen.symbol].remove(order)
            _fire(order, seen, moment)


def _opened() -> dict[tuple[UUID, str], datetime | None]:
    held = Position.objects.filter(quantity__gt=0)
    return {(row.portfolio_id, row.symbol): row.opened_firm for row in held}


def _counts(order: Order, seen: Seen, opened: dict[tuple[UUID, str], datetime | None]) -> bool:
    """A bar that opened before the order was watched is not held against it."""
    if seen.open_at is None:
        return True
    since = order.watched_firm or order.proposed_firm
    if order.is_protective and order.group_id is None:
        held_since = opened.get((order.portfolio_id, order.symbol))
        if held_since is None:
            return False
        since = held_since
    return seen.open_at >= since


def _follow(order: Order, seen: Seen) -> bool:
    """Whether the order was hit; a trailing stop moves on the way."""
    if order.type == "trailing_stop":
        return _trail(order, seen)
    if order.stop_price is None:
        return False
    return is_hit(side=order.side, type=order.type, trigger=order.stop_price, seen=seen.stretch)


@transaction.atomic
def _trail(order: Order, seen: Seen) -> bool:
    rule = Trail(
        side=order.side,
        percent=order.trail_pct,
        amount=order.trail_amount,
        tick=market.instrument_rules(order.symbol).tick_size,
        extreme=order.trail_extreme,
    )
    after = trail(rule, seen.stretch)
    moved = order.stop_price != after.stop_price or order.trail_extreme is None
    if moved or seen.close_at is not None:
        # A repeated bar must not be held against the stop that this very bar moved: prices count from its close on.
        watched = {} if seen.close_at is None else {"watched_firm": seen.close_at}
        armed = Order.objects.filter(pk=order.pk, state=OrderState.ARMED, triggered_firm__isnull=True)
        if not armed.update(trail_extreme=after.extreme, stop_price=after.stop_price, **watched):
            return False
        order.trail_extreme, order.stop_price = after.extreme, after.stop_price
    if moved:
        announce_order(order_id=order.pk, portfolio_id=order.portfolio_id)
    return after.hit


def _rank(order: Order, seen: Seen) -> tuple[bool, bool, str]:
    trigger: Decimal = order.stop_price or Decimal(0)
    late = not hit_at_open(side=order.side, type=order.type, trigger=trigger, seen=seen.stretch)
    return late, order.type not in STOP_TYPES, order.pk.hex


def _fire(order: Order, seen: Seen, moment: Moment) -> None:
    if not order.is_protective:
        fire_armed_order(order_id=order.pk, moment=moment)
        return
    reason = f"The price fell to {plain(seen.stretch.low)} {seen.where}; the stop was {plain(order.stop_price)}."
    fire_protective_stop(order_id=order.pk, reason=reason, moment=moment)
