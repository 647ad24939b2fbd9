"""Every open position has armed or working protective stops for exactly what it holds.

A group's stop-loss is the protection of the units it covers; the guard's own stop covers the rest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max, Q

from apps.foundation.clock import Moment
from apps.foundation.money import ZERO, floor_to, plain
from apps.market import queries as market
from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.orders.order_groups import STOP_LOSS, TAKE_PROFIT
from apps.trading.domain.orders.order_lifecycle import OPEN, OrderState
from apps.trading.domain.stops.stop_coverage import guards_share, shares_of_groups
from apps.trading.models import Order, OrderGroup, Position
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.orders.read_groups import ReadGroup, groups_of
from apps.trading.operations.orders.tidings import Tidings
from apps.trading.operations.protection.arm_sale import GUARD, ArmedSale, arm_sale, guards_stops
from apps.trading.queries.held_dust import holds_dust

REFUSALS = 3  # of a position's stops by the venue before the guard asks less often
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=10)


def protective_orders(*, portfolio_id: UUID, symbols: Iterable[str]) -> Q:
    """The protective stops of positions that may still sell, the groups' stop-losses among them."""
    return Q(portfolio_id=portfolio_id, symbol__in=symbols, is_protective=True, state__in=OPEN)


@dataclass(frozen=True, slots=True)
class _Desk:
    """One position while its exits are sized, and where what was done is told."""

    position: Position
    rules: InstrumentRules
    tidings: Tidings
    moment: Moment

    def arm(self, sale: ArmedSale, action: str) -> None:
        order_id = arm_sale(position=self.position, sale=sale, moment=self.moment)
        self.record(order_id, action, sale.quantity, sale.trigger)

    def record(self, order_id: UUID, action: str, quantity: Decimal, trigger: Decimal | None) -> None:
        self.tidings.order_id(order_id)
        payload = {"symbol": self.position.symbol, "quantity": plain(quantity), "stop_price": plain(trigger)}
        self.tidings.entry(action=action, actor=GUARD, subject=f"order:{order_id}", payload=payload)


def cover_position(
    *,
    position: Position,
    moment: Moment,
    watched_from: datetime | None = None,
    filled: Mapping[UUID, datetime] | None = None,
    rules: InstrumentRules | None = None,
    tidings: Tidings | None = None,
) -> bool:
    """Arm, resize or take back stops and exits so that armed and working stops sum to what is held.

    True when something changed. ``watched_from`` (firm): from when prices count for exits armed now. ``filled``: the
    groups whose orders were just filled, which may have ended with that, and from when prices count for theirs.
    ``tidings``: of the caller, who sends them; without, they are sent here. The caller holds the locks of portfolio,
    protective orders and position.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A position is covered inside the transaction that changes it.")
    groups = groups_of(portfolio_id=position.portfolio_id, symbol=position.symbol, also=filled or ())
    shares = shares_of_groups(position.quantity, [group.stop for group in groups if group.stops])
    desk = _Desk(
        position, rules or market.instrument_rules(position.symbol), tidings or Tidings(position.portfolio_id), moment
    )
    since = watched_from or moment.firm
    changed = False
    for group in groups:
        share = shares.get(group.row.pk, min(group.facts.left, position.quantity))
        changed |= _size_exits(desk, group, share, (filled or {}).get(group.row.pk, since))
    changed |= _cover_rest(desk, shares)
    if tidings is None:
        desk.tidings.send(moment)
    return changed


def cover_after_end(*, order: Order, moment: Moment) -> None:
    """After the venue ended an order of a group: what a stop-loss could not sell gets another one in the same breath.

    The caller holds the portfolio's lock.
    """
    held = Position.objects.select_for_update().filter(portfolio_id=order.portfolio_id, symbol=order.symbol).first()
    if order.group_id is not None and held is not None:
        cover_position(position=held, moment=moment, filled={order.group_id: moment.firm})


def _size_exits(desk: _Desk, group: ReadGroup, share: Decimal, watched_from: datetime) -> bool:
    changed = False
    for role in (STOP_LOSS, TAKE_PROFIT):
        waiting = group.waiting(role)
        wanted = share - group.sending(role) if role == STOP_LOSS else share
        for order in waiting if wanted <= 0 else waiting[1:]:
            changed |= take_back(order, desk.moment)
        if wanted > 0 and waiting:
            changed |= _resize(desk, waiting[0], wanted, waiting[0].stop_price)
        elif wanted > 0 and group.may_arm(role):
            sale = exit_sale(group.row, role, wanted, watched_from=watched_from, expires_firm=group.expires_firm)
            desk.arm(sale, "exit.armed")
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


def _cover_rest(desk: _Desk, shares: dict[UUID, Decimal]) -> bool:
    position, moment = desk.position, desk.moment
    mine = protective_orders(portfolio_id=position.portfolio_id, symbols=[position.symbol]) & Q(group__isnull=True)
    orders = list(Order.objects.filter(mine))
    waiting = sorted(
        (order for order in orders if order.state == OrderState.ARMED and not order.reserved_left), key=_age
    )
    sending = sum((order.quantity - order.filled_quantity for order in orders if order not in waiting), ZERO)
    missing = guards_share(position.quantity, shares, sending)
    if holds_dust(position, desk.rules) or not floor_to(missing, desk.rules.step_size):
        missing = ZERO
    surplus = waiting[1:] if missing else waiting
    for order in surplus:
        take_back(order, moment)
    if not missing:
        return bool(surplus)
    if not waiting:
        return _arm(desk, missing)
    return _resize(desk, waiting[0], missing, position.stop_price) or bool(surplus)


def _age(order: Order) -> tuple[datetime, str]:
    return order.proposed_wall, order.pk.hex


def _may_ask_again(position: Position, rules: InstrumentRules, moment: Moment) -> bool:
    """After some refusals: only what the venue takes at all (no dust), and each time after twice as long."""
    refused = guards_stops(position).filter(state=OrderState.REJECTED).aggregate(n=Count("pk"), last=Max("done_wall"))
    if refused["n"] < REFUSALS:
        return True
    mark = market.mark(position.symbol, moment).price
    if mark is None or position.quantity < rules.min_quantity or position.quantity * mark < rules.min_notional:
        return False
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(refused["n"] - REFUSALS, 10))
    return bool(moment.wall - refused["last"] >= pause)


def _arm(desk: _Desk, quantity: Decimal) -> bool:
    position = desk.position
    if not _may_ask_again(position, desk.rules, desk.moment):
        return False
    assert position.stop_price is not None
    sale = ArmedSale(
        type="stop",
        trigger=position.stop_price,
        quantity=quantity,
        reason=f"Protects the position: sells at the market when the price falls to {plain(position.stop_price)}.",
    )
    desk.arm(sale, "stop.armed")
    return True


def _resize(desk: _Desk, order: Order, quantity: Decimal, trigger: Decimal | None) -> bool:
    if (order.quantity, order.stop_price) == (quantity, trigger):
        return False
    Order.objects.filter(pk=order.pk).update(quantity=quantity, stop_price=trigger)
    desk.record(order.pk, "stop.moved", quantity, trigger)
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
    desk = _Desk(position, market.instrument_rules(position.symbol), Tidings(position.portfolio_id), moment)
    desk.record(order_id, action, sale.quantity, sale.trigger)
    desk.tidings.send(moment)
