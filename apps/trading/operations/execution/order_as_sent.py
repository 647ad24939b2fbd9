"""An order of ours in a venue's words: what it takes itself goes as it is, the rest as what its trigger leads to."""

from datetime import datetime

from django.db.models import Q

from apps.foundation.lease_memory import Term
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.orders.order_types import TRIGGERED_TYPES
from apps.trading.models import Order
from apps.trading.ports import Venue, VenueCapabilities, VenueOrder, VenueOrderType

# May be sent: approved, or armed with a trigger that was hit, passed the gate and holds its funds.
SENDABLE = Q(state=OrderState.APPROVED) | Q(state=OrderState.ARMED, triggered_firm__isnull=False, reserved_left__gt=0)

TOUCHED_LIMIT = Q(type="take_profit", limit_price__isnull=False)  # venues' take-profits trade at the market


def sendable_at(venue: Venue) -> Q:
    """What may be sent to this venue: armed orders too, where it watches such a trigger itself.

    Protective stops and exits of groups always wait here: several of them may wait for the same units.
    """
    native = sorted(TRIGGERED_TYPES & venue.capabilities.order_types)
    waiting = Q(state=OrderState.ARMED, triggered_firm__isnull=True, reserved_left__gt=0, trail_amount__isnull=True)
    plain = Q(type__in=native, is_protective=False, group__isnull=True) & ~TOUCHED_LIMIT
    return SENDABLE | (waiting & plain)


def watched_there(order: Order) -> bool:
    """Whether an order that is claimed now waits for its trigger at the venue."""
    return order.type in TRIGGERED_TYPES and order.triggered_firm is None


def as_sent(order: Order, capabilities: VenueCapabilities, valid_until: datetime, term: Term) -> VenueOrder:
    """The order as the venue is told of it. A date the venue does not know is watched here: it gets GTC."""
    native = watched_there(order)
    kind = _kind(order, native=native)
    dated = order.time_in_force == "GTD"
    return VenueOrder(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side="buy" if order.side == "buy" else "sell",
        type=kind,
        quantity=order.quantity,
        limit_price=order.limit_price if kind != "market" else None,
        funds=order.reserved_left if kind == "market" and order.side == "buy" else None,
        time_in_force="GTC" if dated and "GTD" not in capabilities.times_in_force else order.time_in_force,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        valid_until=valid_until,
        stop_price=order.stop_price if native else None,
        trail_pct=order.trail_pct if native else None,
        expires_firm=order.expires_firm,
        may_leave=term.lives,
    )


def _kind(order: Order, *, native: bool) -> VenueOrderType:
    if native:
        return order.type  # type: ignore[return-value]  # one of TRIGGERED_TYPES, which the venue's words contain
    return "market" if order.limit_price is None else "limit"
