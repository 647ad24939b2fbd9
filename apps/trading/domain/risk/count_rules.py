"""Risk rules that count: orders an hour, open orders, orders whose outcome nobody knows."""

from apps.trading.domain.risk.compared_figures import counted
from apps.trading.domain.risk.gate_facts import GateFacts
from apps.trading.domain.risk.risk_verdict import Finding, passed_if, rule


@rule("too_many_orders")
def order_rate(facts: GateFacts) -> Finding:
    told = counted(facts.book.orders_last_hour, "order was", "orders were")
    limit = facts.limits.max_orders_per_hour
    return _room_for_one(facts.book.orders_last_hour, limit, f"{told} approved in the last hour")


@rule("too_many_open_orders")
def open_order_count(facts: GateFacts) -> Finding:
    told = counted(facts.book.open_orders, "order is", "orders are")
    return _room_for_one(facts.book.open_orders, facts.limits.max_open_orders, f"{told} open")


@rule("too_many_unknown_orders")
def unknown_orders(facts: GateFacts) -> Finding:
    book, limit = facts.book, facts.limits.max_unknown_orders
    inputs = {"unknown": book.unknown_orders, "unknown_on_symbol": book.unknown_on_symbol, "limit": limit}
    if book.unknown_on_symbol:
        detail = f"What became of an order of {facts.order.symbol} is unknown; no new risk there until it is found."
        return Finding(False, detail, inputs, "unknown_order_on_instrument")
    told = f"{counted(book.unknown_orders, 'order has', 'orders have')} an unknown outcome"
    return passed_if(
        book.unknown_orders <= limit,
        inputs,
        yes=lambda: f"{told}, at most {limit} are allowed.",
        no=lambda: f"{told}; above {limit} no new risk is taken.",
    )


def _room_for_one(count: int, limit: int, told: str) -> Finding:
    return passed_if(
        count < limit,
        {"count": count, "limit": limit},
        yes=lambda: f"{told}, at most {limit} are allowed.",
        no=lambda: f"{told} already; at most {limit} are allowed.",
    )
