"""Orders as the API, the screens and other rooms see them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from apps.foundation.errors import NotFound
from apps.foundation.money import plain
from apps.foundation.time_text import utc_text
from apps.trading.domain.orders.order_lifecycle import BIRTH_PATHS, OPEN, OrderState
from apps.trading.models import Fill, Order, OrderTransition
from apps.trading.queries.order_group_views import group_views, replacements, trigger_view


def order_view(order_id: UUID | str) -> dict[str, Any]:
    """One order with verdicts, fills and history. Raises ``NotFound`` (``unknown_order``)."""
    order = Order.objects.filter(pk=order_id).first()
    if order is None:
        raise NotFound(f"There is no order {order_id}.", code="unknown_order", field="id")
    return order_views([order])[0]


def order_views(orders: Iterable[Order]) -> list[dict[str, Any]]:
    """Several orders in their order, with one query each for all their fills, histories, groups and replacements."""
    page = list(orders)
    ids = [order.pk for order in page]
    groups = group_views({order.group_id for order in page if order.group_id is not None})
    replaced = replacements(ids)
    transitions: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for move in OrderTransition.objects.filter(order_id__in=ids).order_by("id"):
        transitions[move.order_id].append(_move(move))
    fills: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for fill in Fill.objects.filter(order_id__in=ids).order_by("traded_firm", "recorded_wall", "id"):
        fills[fill.order_id].append(fill_view(fill))
    return [
        _view(order, transitions[order.pk], fills[order.pk])
        | {"group": groups[order.group_id] if order.group_id else None, "replaced_by": _text(replaced.get(order.pk))}
        for order in page
    ]


def order_views_by_id(ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Those of these orders that there are, by their ids."""
    return {view["id"]: view for view in order_views(Order.objects.filter(pk__in=list(ids)))}


def newborn_view(order: Order) -> dict[str, Any]:
    """The view of a row just inserted, without asking the database: its history is the path it was born with."""
    path = BIRTH_PATHS[OrderState(order.state)]
    last = len(path) - 1
    at, firm_at = utc_text(order.state_wall), utc_text(order.state_firm)
    moves = [
        {
            "from": str(path[i - 1]) if i else None,
            "to": str(step),
            "at": at,
            "firm_at": firm_at,
            "actor": order.state_actor if i == last else order.actor,
            "note": order.state_note if i == last else "",
        }
        for i, step in enumerate(path)
    ]
    return _view(order, moves, []) | {"group": None, "replaced_by": None}


def recent_orders(limit: int = 50) -> list[dict[str, Any]]:
    """The newest orders first."""
    return order_views(Order.objects.order_by("-proposed_wall", "-id")[:limit])


def open_orders(symbol: str | None = None) -> list[dict[str, Any]]:
    """Orders that are not finished, oldest first; of one instrument, or of all."""
    orders = Order.objects.filter(state__in=OPEN).order_by("proposed_wall", "id")
    return order_views(orders.filter(symbol=symbol) if symbol else orders)


def orders_of_decision(decision_id: UUID | str) -> list[dict[str, Any]]:
    """The orders a decision led to."""
    return order_views(Order.objects.filter(decision_id=decision_id).order_by("proposed_wall", "id"))


def fill_view(fill: Fill) -> dict[str, Any]:
    """One trade."""
    return {
        "id": str(fill.pk),
        "order_id": str(fill.order_id),
        "instrument": fill.symbol,
        "side": fill.side,
        "quantity": plain(fill.quantity),
        "price": plain(fill.price),
        "cost": plain(fill.cost),
        "fee": plain(fill.fee),
        "fee_asset": fill.fee_asset,
        "realized_pnl": plain(fill.realized_pnl),
        "liquidity": fill.liquidity,
        "account": fill.account_id,
        "venue_trade_id": fill.venue_trade_id,
        "traded_at": utc_text(fill.traded_firm),
        "recorded_at": utc_text(fill.recorded_wall),
    }


def _move(move: OrderTransition) -> dict[str, Any]:
    return {
        "from": move.from_state or None,
        "to": str(move.to_state),
        "at": utc_text(move.at_wall),
        "firm_at": utc_text(move.at_firm),
        "actor": move.actor,
        "note": move.note,
    }


_MONEY = (
    "quantity",
    "notional",
    "limit_price",
    "stop_price",
    "trail_pct",
    "trail_amount",
    "filled_quantity",
    "filled_cost",
    "average_price",
    "fees",
    "reserved_amount",
    "reserved_left",
)
_PLAIN = ("side", "type", "time_in_force", "reduce_only", "post_only", "is_protective", "reason", "origin", "actor")
_TIMES = {
    "proposed_at": "proposed_wall",
    "proposed_firm_at": "proposed_firm",
    "approved_at": "approved_wall",
    "submitted_at": "submitted_wall",
    "accepted_firm_at": "accepted_firm",
    "triggered_firm_at": "triggered_firm",
    "expires_at": "expires_firm",
    "done_at": "done_wall",
}


def _view(order: Order, transitions: Sequence[dict[str, Any]], fills: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": str(order.pk),
        "client_order_id": order.client_order_id,
        "portfolio_id": str(order.portfolio_id),
        "instrument": order.symbol,
        "state": str(order.state),
        "state_note": order.state_note,
        "summary": _summary(order),
        **{name: getattr(order, name) for name in _PLAIN},
        **{name: plain(getattr(order, name)) for name in _MONEY},
        "reserved_asset": order.reserved_asset,
        "decision_id": _text(order.decision_id),
        "agent_id": _text(order.agent_id),
        "role": order.role,
        "replaces": _text(order.replaces_id),
        "trigger": trigger_view(order),
        "correlation_id": order.correlation_id,
        "cancel_wanted": order.cancel_wanted,
        "reject_code": order.reject_code,
        "reject_detail": order.reject_detail,
        "account": order.account_id,
        "venue_order_id": order.venue_order_id,
        "verdicts": order.verdicts,
        "gate_digest": order.gate_digest,
        "fills": list(fills),
        "transitions": list(transitions),
        **{name: utc_text(getattr(order, column)) for name, column in _TIMES.items()},
    }


def _text(identifier: UUID | None) -> str | None:
    return str(identifier) if identifier else None


def _summary(order: Order) -> str:
    """One line in plain words."""
    size = f"{plain(order.quantity)} {order.symbol}"
    if order.state == OrderState.DENIED:
        return f"Denied: {order.side} {size}. {order.reject_detail}"
    if order.filled_quantity:
        verb = "Bought" if order.side == "buy" else "Sold"
        return f"{verb} {plain(order.filled_quantity)} {order.symbol} at {plain(order.average_price)}."
    kind, state = order.type.replace("_", "-"), str(order.state).lower().replace("_", " ")
    return f"{order.side.capitalize()} {size} ({kind}): {state}."
