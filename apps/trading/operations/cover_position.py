"""Every open position has armed or working protective stops for exactly what it holds."""

import hashlib
import json
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.identifiers import derived_id
from apps.foundation.money import ZERO, plain
from apps.market import queries as market
from apps.trading.domain.order_lifecycle import OPEN, OrderState
from apps.trading.domain.stop_placement import average_true_range, protective_stop, stop_distance
from apps.trading.models import Account, Order, Position
from apps.trading.operations.announce_changes import announce_order
from apps.trading.operations.change_order_state import change_order_state
from apps.trading.queries.risk_limits import current_limits

GUARD = "stop guard"
REFUSALS = 3  # of a position's stops by the venue, such as dust below its minimum, before the guard stops asking
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
    """The protective stops of a position that may still sell."""
    return Q(portfolio_id=portfolio_id, symbol=symbol, is_protective=True, state__in=OPEN)


def cover_position(*, position: Position, moment: Moment) -> bool:
    """Arm, resize or take back the position's protective stop so that armed and working ones sum to what is held.

    True when something changed. The caller holds the locks of portfolio, protective orders and position.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A position is covered inside the transaction that changes it.")
    orders = list(Order.objects.filter(protective_orders(portfolio_id=position.portfolio_id, symbol=position.symbol)))
    waiting = sorted(
        (order for order in orders if order.state == OrderState.ARMED and not order.reserved_left), key=_age
    )
    sending = [order for order in orders if order not in waiting]
    missing = position.quantity - sum((order.quantity - order.filled_quantity for order in sending), ZERO)
    surplus = waiting if missing <= 0 else waiting[1:]
    for order in surplus:
        _take_back(order, moment)
    if missing <= 0:
        return bool(surplus)
    if not waiting:
        return _arm(position, missing, moment)
    return _resize(waiting[0], position, missing, moment) or bool(surplus)


def _age(order: Order) -> tuple[datetime, str]:
    return order.proposed_wall, order.pk.hex


def _arm(position: Position, quantity: Decimal, moment: Moment) -> bool:
    earlier = Order.objects.filter(portfolio_id=position.portfolio_id, symbol=position.symbol, is_protective=True)
    refused = earlier.filter(state=OrderState.REJECTED, proposed_firm__gte=position.opened_firm)
    if refused.count() >= REFUSALS:
        return False
    order_id = derived_id("protective", position.pk, earlier.count())
    verdicts = [
        {
            "rule": "protective_stop",
            "allowed": True,
            "code": "reduce_only",
            "detail": "A protective stop only lowers the position it covers; it is armed in every trading state.",
            "inputs": {"position": plain(position.quantity), "stop_price": plain(position.stop_price)},
        }
    ]
    Order.objects.create(
        id=order_id,
        portfolio_id=position.portfolio_id,
        client_order_id=order_id.hex,
        symbol=position.symbol,
        side="sell",
        type="stop",
        quantity=quantity,
        stop_price=position.stop_price,
        reduce_only=True,
        is_protective=True,
        state=OrderState.ARMED,
        state_wall=moment.wall,
        state_firm=moment.firm,
        state_actor=GUARD,
        reason=f"Protects the position: sells at the market when the price falls to {plain(position.stop_price)}.",
        origin="guard",
        actor=GUARD,
        verdicts=verdicts,
        gate_digest=hashlib.sha256(json.dumps(verdicts, sort_keys=True).encode()).hexdigest(),
        proposed_wall=moment.wall,
        proposed_firm=moment.firm,
        approved_wall=moment.wall,
        account_id=Account.objects.values_list("pk", flat=True).get(portfolio_id=position.portfolio_id),
    )
    _record(order_id, position, "stop.armed", quantity, moment)
    return True


def _resize(order: Order, position: Position, quantity: Decimal, moment: Moment) -> bool:
    if (order.quantity, order.stop_price) == (quantity, position.stop_price):
        return False
    Order.objects.filter(pk=order.pk).update(quantity=quantity, stop_price=position.stop_price)
    _record(order.pk, position, "stop.moved", quantity, moment)
    return True


def _take_back(order: Order, moment: Moment) -> None:
    change_order_state(
        order_id=order.pk,
        before={OrderState.ARMED},
        after=OrderState.CANCELED,
        actor=GUARD,
        note="Nothing is left for it to protect.",
        moment=moment,
    )


def _record(order_id: UUID, position: Position, action: str, quantity: Decimal, moment: Moment) -> None:
    announce_order(order_id=order_id, portfolio_id=position.portfolio_id)
    audit.append(
        chain=audit.account_chain(position.portfolio_id),
        action=action,
        actor=GUARD,
        subject=f"order:{order_id}",
        payload={"symbol": position.symbol, "quantity": plain(quantity), "stop_price": plain(position.stop_price)},
        moment=moment,
    )
