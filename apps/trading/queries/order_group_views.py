"""How orders hang together, for the order views: groups with their members, and what was replaced by what."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from apps.foundation.money import plain
from apps.trading.domain.orders.order_lifecycle import TERMINAL, OrderState
from apps.trading.domain.orders.order_types import TRIGGERED_TYPES
from apps.trading.domain.stops.stop_triggers import fires_below
from apps.trading.models import Order, OrderGroup


def group_views(group_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """The groups with all of their orders, oldest first; two queries, none without groups."""
    if not group_ids:
        return {}
    members: dict[UUID | None, list[dict[str, Any]]] = defaultdict(list)
    for order in Order.objects.filter(group_id__in=group_ids).order_by("proposed_wall", "role", "pk"):
        members[order.group_id].append(_member(order))
    return {group.pk: _group(group, members[group.pk]) for group in OrderGroup.objects.filter(pk__in=group_ids)}


def replacements(order_ids: Sequence[UUID]) -> dict[UUID | None, UUID]:
    """The order that took the place of each, where one did."""
    return dict(Order.objects.filter(replaces_id__in=order_ids).values_list("replaces_id", "pk"))


def trigger_view(order: Order) -> dict[str, Any] | None:
    """What an order waits for: ``waiting`` here, ``at_venue``, or ``hit``; None where it has no trigger (yet)."""
    if order.type not in TRIGGERED_TYPES:
        return None
    if order.triggered_firm is not None:
        state = "hit"
    elif order.submitted_wall is not None:
        state = "at_venue"
    else:
        state = "ended" if order.state in TERMINAL else "waiting"
    return {
        "state": state,
        "price": plain(order.stop_price),
        "fires": "at_or_below" if fires_below(side=order.side, type=order.type) else "at_or_above",
        "then": "market" if order.limit_price is None else "limit",
        "best_price": plain(order.trail_extreme),
    }


def _group(group: OrderGroup, members: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": str(group.pk),
        "kind": group.kind,
        "units": plain(group.units),
        "take_profit_price": plain(group.take_profit_price),
        "stop_loss_price": plain(group.stop_loss_price),
        "orders": members,
    }


def _member(order: Order) -> dict[str, Any]:
    return {
        "id": str(order.pk),
        "role": order.role,
        "state": str(OrderState(order.state)),
        "side": order.side,
        "type": order.type,
        "quantity": plain(order.quantity),
        "filled_quantity": plain(order.filled_quantity),
        "limit_price": plain(order.limit_price),
        "stop_price": plain(order.stop_price),
    }
