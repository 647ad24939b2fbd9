"""Risk rules that count: orders an hour, open orders, orders whose outcome nobody knows."""

from apps.trading.domain.gate_facts import GateFacts
from apps.trading.domain.risk_verdict import Finding, passed_if, rule


@rule("too_many_orders")
def order_rate(facts: GateFacts) -> Finding:
    approved = facts.book.orders_last_hour
    return _room_for_one(approved, facts.limits.max_orders_per_hour, "orders were approved in the last hour")


@rule("too_many_open_orders")
def open_order_count(facts: GateFacts) -> Finding:
    return _room_for_one(facts.book.open_orders, facts.limits.max_open_orders, "orders are open")


@rule("too_many_unknown_orders")
def unknown_orders(facts: GateFacts) -> Finding:
    book, limit = facts.book, facts.limits.max_unknown_orders
    inputs = {"unknown": book.unknown_orders, "unknown_on_symbol": book.unknown_on_symbol, "limit": limit}
    if book.unknown_on_symbol:
        detail = f"What became of an order of {facts.order.symbol} is unknown; no new risk there until it is found."
        return Finding(False, detail, inputs, "unknown_order_on_instrument")
    return passed_if(
        book.unknown_orders <= limit,
        inputs,
        yes=f"{book.unknown_orders} orders have an unknown outcome, at most {limit} are allowed.",
        no=f"{book.unknown_orders} orders have an unknown outcome; above {limit} no new risk is taken.",
    )


def _room_for_one(count: int, limit: int, what: str) -> Finding:
    return passed_if(
        count < limit,
        {"count": count, "limit": limit},
        yes=f"{count} {what}, at most {limit} are allowed.",
        no=f"{count} {what} already; at most {limit} are allowed.",
    )
