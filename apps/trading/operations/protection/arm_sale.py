"""Arm a sale that only lowers a position: a protective stop, or an exit of a group. The gate waits until it fires.

Such a sale reserves nothing while it waits, so that several may wait for the same units; it reserves when it fires.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from apps.foundation.clock import Moment
from apps.foundation.identifiers import derived_id
from apps.foundation.money import plain
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.models import Account, Order, OrderGroup, Position

GUARD = "stop guard"


@dataclass(frozen=True, slots=True)
class ArmedSale:
    """What waits: ``type`` stop or take_profit, its trigger, who owns it and from when prices count (firm)."""

    type: str
    trigger: Decimal
    quantity: Decimal
    reason: str
    limit_price: Decimal | None = None
    protective: bool = True
    group: OrderGroup | None = None
    role: str = ""
    watched_from: datetime | None = None
    expires_firm: datetime | None = None
    replaces_id: UUID | None = None
    actor: str = GUARD


def arm_sale(*, position: Position, sale: ArmedSale, moment: Moment) -> UUID:
    """Write the row, ARMED; its id. The caller holds the portfolio's lock, announces and audits."""
    order_id = _order_id(position, sale)
    verdicts = [_verdict(position, sale)]
    Order.objects.create(
        id=order_id,
        portfolio_id=position.portfolio_id,
        client_order_id=order_id.hex,
        symbol=position.symbol,
        side="sell",
        type=sale.type,
        quantity=sale.quantity,
        stop_price=sale.trigger,
        limit_price=sale.limit_price,
        time_in_force="GTC" if sale.expires_firm is None else "GTD",
        expires_firm=sale.expires_firm,
        reduce_only=True,
        is_protective=sale.protective,
        group=sale.group,
        role=sale.role,
        replaces_id=sale.replaces_id,
        watched_firm=sale.watched_from,
        state=OrderState.ARMED,
        state_wall=moment.wall,
        state_firm=moment.firm,
        state_actor=sale.actor,
        reason=sale.reason,
        origin="guard" if sale.protective else "manual",
        actor=sale.actor,
        verdicts=verdicts,
        gate_digest=hashlib.sha256(json.dumps(verdicts, sort_keys=True).encode()).hexdigest(),
        proposed_wall=moment.wall,
        # A fill may carry a bar that came after the clock was read; the position's stops are counted from its opening.
        proposed_firm=max(moment.firm, position.opened_firm or moment.firm),
        approved_wall=moment.wall,
        account_id=Account.objects.values_list("pk", flat=True).get(portfolio_id=position.portfolio_id),
    )
    return order_id


def _order_id(position: Position, sale: ArmedSale) -> UUID:
    """The n-th of its group and role, or of the guard's stops since the position was opened: replays name it alike."""
    if sale.group is not None:
        earlier = Order.objects.filter(group=sale.group, role=sale.role)
        return derived_id("exit", sale.group.pk, sale.role, earlier.count())
    return derived_id("protective", position.pk, position.opened_firm, guards_stops(position).count())


def guards_stops(position: Position) -> QuerySet[Order]:
    """The guard's own stops of this position since it was opened, in any state."""
    return Order.objects.filter(
        portfolio_id=position.portfolio_id,
        symbol=position.symbol,
        is_protective=True,
        group__isnull=True,
        proposed_firm__gte=position.opened_firm,
    )


def _verdict(position: Position, sale: ArmedSale) -> dict[str, Any]:
    return {
        "rule": "protective_stop" if sale.protective else "group_exit",
        "allowed": True,
        "code": "reduce_only",
        "detail": "It only lowers the position it belongs to; it is armed in every trading state.",
        "inputs": {"position": plain(position.quantity), "trigger": plain(sale.trigger)},
    }
