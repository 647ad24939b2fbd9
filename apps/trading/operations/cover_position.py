"""Every open position has armed or working protective stops for exactly what it holds.

A group's stop-loss is the protection of the units it covers; the guard's own stop covers the rest.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max, Q

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.money import ZERO, floor_to, plain
from apps.market import queries as market
from apps.trading.domain.dust import is_dust
from apps.trading.domain.order_groups import STOP_LOSS, TAKE_PROFIT
from apps.trading.domain.order_lifecycle import OPEN, OrderState
from apps.trading.domain.stop_coverage import guards_share, shares_of_groups
from apps.trading.domain.stop_placement import average_true_range, protective_stop, stop_distance
from apps.trading.models import Order, OrderGroup, Position
from apps.trading.operations.announce_changes import announce_order
from apps.trading.operations.arm_sale import GUARD, ArmedSale, arm_sale, guards_stops
from apps.trading.operations.change_order_state import change_order_state
from apps.trading.operations.read_groups import ReadGroup, groups_of
from apps.trading.queries.risk_limits import current_limits

REFUSALS = 3  # of a position's stops by the venue before the guard asks less often
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=10)
BARS = 30  # of the base timeframe: what the average true range is taken over


def stop_price_after_buy(*, symbol: str, entry: Decimal, standing: Decimal | None, until: datetime) -> Decimal:
    """Where the stop goes after a buy at ``entry``: never below the one that stands."""
    clock = market.market_clock()
    candles = market.closed_candles(symbol=symbol, timeframe=clock.base_timeframe, until=until, limit=BARS)
    limits = current_limits()
    distance = stop_distance(
        average_range=average_true_range(
            [float(bar.high) for bar in candles],
            [float(bar.low) for bar in candles],
            [float(bar.close) for bar in candles],
        ),
        price=float(entry),
        multiple=float(limits.stop_volatility_multiple),
        nearest=float(limits.min_stop_distance),
        farthest=float(limits.max_stop_distance),
    )
    wanted = protective_stop(entry=entry, distance=distance, tick=market.instrument_rules(symbol).tick_size)
    return wanted if standing is None else max(wanted, standing)


def protective_orders(*, portfolio_id: UUID, symbol: str) -> Q:
    """The protective stops of a position that may still sell, the groups' stop-losses among them."""
    return Q(portfolio_id=portfolio_id, symbol=symbol, is_protective=True, state__in=OPEN)


def cover_position(
    *, position: Position, moment: Moment, watched_from: datetime | None = None, group_id: UUID | None = None
) -> bool:
    """Arm, resize or take back stops and exits so that armed and working stops sum to what is held.

    True when something changed. ``watched_from`` (firm): from when prices count for exits armed now. ``group_id``: the
    group whose order was just filled, and may have ended with that. The caller holds the locks of portfolio, protective
    orders and position.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A position is covered inside the transaction that changes it.")
    groups = groups_of(portfolio_id=position.portfolio_id, symbol=position.symbol, also=group_id)
    shares = shares_of_groups(position.quantity, [group.stop for group in groups if group.stops])
    changed = False
    for group in groups:
        share = shares.get(group.row.pk, min(group.facts.left, position.quantity))
        changed |= _size_exits(position, group, share, watched_from or moment.firm, moment)
    return _cover_rest(position, shares, moment) or changed


def cover_after_end(*, order: Order, moment: Moment) -> None:
    """After the venue ended an order of a group: what a stop-loss could not sell gets another one in the same breath.

    The caller holds the portfolio's lock.
    """
    held = Position.objects.select_for_update().filter(portfolio_id=order.portfolio_id, symbol=order.symbol).first()
    if order.group_id is not None and held is not None:
        cover_position(position=held, moment=moment, group_id=order.group_id)


def _size_exits(position: Position, group: ReadGroup, share: Decimal, watched_from: datetime, moment: Moment) -> bool:
    changed = False
    for role in (STOP_LOSS, TAKE_PROFIT):
        waiting = group.waiting(role)
        wanted = share - group.sending(role) if role == STOP_LOSS else share
        for order in waiting if wanted <= 0 else waiting[1:]:
            changed |= take_back(order, moment)
        if wanted > 0 and waiting:
            changed |= _resize(waiting[0], position, wanted, waiting[0].stop_price, moment)
        elif wanted > 0 and group.may_arm(role):
            sale = exit_sale(group.row, role, wanted, watched_from=watched_from, expires_firm=group.expires_firm)
            record_sale(arm_sale(position=position, sale=sale, moment=moment), position, "exit.armed", sale, moment)
            changed = True
    return changed


def exit_sale(
    row: OrderGroup,
    role: str,
    quantity: Decimal,
    *,
    watched_from: datetime,
    expires_firm: datetime | None,
    replaces: UUID | None = None,
) -> ArmedSale:
    """The exit of a group as it is armed: the stop sells at the market, the take-profit at its price or better."""
    stop = role == STOP_LOSS
    trigger = row.stop_loss_price if stop else row.take_profit_price
    assert trigger is not None
    word = "falls" if stop else "rises"
    return ArmedSale(
        type="stop" if stop else "take_profit",
        trigger=trigger,
        limit_price=None if stop else trigger,
        quantity=quantity,
        protective=stop,
        group=row,
        role=role,
        watched_from=watched_from,
        expires_firm=expires_firm,
        replaces_id=replaces,
        actor=row.created_by,
        reason=f"The {role.replace('_', '-')} of a {row.kind}: sells when the price {word} to {plain(trigger)}.",
    )


def _cover_rest(position: Position, shares: dict[UUID, Decimal], moment: Moment) -> bool:
    mine = protective_orders(portfolio_id=position.portfolio_id, symbol=position.symbol) & Q(group__isnull=True)
    orders = list(Order.objects.filter(mine))
    waiting = sorted(
        (order for order in orders if order.state == OrderState.ARMED and not order.reserved_left), key=_age
    )
    sending = sum((order.quantity - order.filled_quantity for order in orders if order not in waiting), ZERO)
    missing = guards_share(position.quantity, shares, sending)
    if holds_dust(position) or not floor_to(missing, market.instrument_rules(position.symbol).step_size):
        missing = ZERO
    surplus = waiting[1:] if missing else waiting
    for order in surplus:
        take_back(order, moment)
    if not missing:
        return bool(surplus)
    if not waiting:
        return _arm(position, missing, moment)
    return _resize(waiting[0], position, missing, position.stop_price, moment) or bool(surplus)


def holds_dust(position: Position) -> bool:
    """Whether nothing of the position could be sold, so that no stop can protect it."""
    rules = market.instrument_rules(position.symbol)
    return is_dust(quantity=position.quantity, price=position.average_price, rules=rules)


def _age(order: Order) -> tuple[datetime, str]:
    return order.proposed_wall, order.pk.hex


def _may_ask_again(position: Position, moment: Moment) -> bool:
    """After some refusals: only what the venue takes at all (no dust), and each time after twice as long."""
    refused = guards_stops(position).filter(state=OrderState.REJECTED).aggregate(n=Count("pk"), last=Max("done_wall"))
    if refused["n"] < REFUSALS:
        return True
    rules, mark = market.instrument_rules(position.symbol), market.mark(position.symbol, moment).price
    if mark is None or position.quantity < rules.min_quantity or position.quantity * mark < rules.min_notional:
        return False
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(refused["n"] - REFUSALS, 10))
    return bool(moment.wall - refused["last"] >= pause)


def _arm(position: Position, quantity: Decimal, moment: Moment) -> bool:
    if not _may_ask_again(position, moment):
        return False
    assert position.stop_price is not None
    sale = ArmedSale(
        type="stop",
        trigger=position.stop_price,
        quantity=quantity,
        reason=f"Protects the position: sells at the market when the price falls to {plain(position.stop_price)}.",
    )
    record_sale(arm_sale(position=position, sale=sale, moment=moment), position, "stop.armed", sale, moment)
    return True


def _resize(order: Order, position: Position, quantity: Decimal, trigger: Decimal | None, moment: Moment) -> bool:
    if (order.quantity, order.stop_price) == (quantity, trigger):
        return False
    Order.objects.filter(pk=order.pk).update(quantity=quantity, stop_price=trigger)
    _record(order.pk, position, "stop.moved", quantity, trigger, moment)
    return True


def take_back(order: Order, moment: Moment) -> bool:
    """End an armed sale that has nothing left to sell."""
    ended = change_order_state(
        order_id=order.pk,
        before={OrderState.ARMED},
        after=OrderState.CANCELED,
        actor=GUARD,
        note="Nothing is left for it to protect.",
        moment=moment,
    )
    return ended is not None


def record_sale(order_id: UUID, position: Position, action: str, sale: ArmedSale, moment: Moment) -> None:
    """Announce and audit an armed sale."""
    _record(order_id, position, action, sale.quantity, sale.trigger, moment)


def _record(  # noqa: PLR0917 - one call a line reads better
    order_id: UUID, position: Position, action: str, quantity: Decimal, trigger: Decimal | None, moment: Moment
) -> None:
    announce_order(order_id=order_id, portfolio_id=position.portfolio_id)
    audit.append(
        chain=audit.account_chain(position.portfolio_id),
        action=action,
        actor=GUARD,
        subject=f"order:{order_id}",
        payload={"symbol": position.symbol, "quantity": plain(quantity), "stop_price": plain(trigger)},
        moment=moment,
    )
