"""Orders and trades in Kraken's words."""

from decimal import Decimal
from typing import Any

from workers.exchange_simulator.engine.orders import ZERO, Order, OrderRequest, OrderType, Status, Trade
from workers.exchange_simulator.kraken.names import own_id

TYPES = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.STOP: "stop-loss",
    OrderType.STOP_LIMIT: "stop-loss-limit",
    OrderType.TAKE_PROFIT: "take-profit",
    OrderType.TAKE_PROFIT_LIMIT: "take-profit-limit",
}
STATUSES = {
    Status.NEW: "open",
    Status.PARTIALLY_FILLED: "open",
    Status.FILLED: "closed",
    Status.CANCELED: "canceled",
    Status.EXPIRED: "expired",
}


def type_of(order: Order | OrderRequest) -> str:
    if order.trailing_bps is not None or order.trailing_distance is not None:
        return "trailing-stop"
    return TYPES[order.type]


def order_words(order: Order | OrderRequest, pair: str) -> str:
    """``buy 0.50000000 XBTUSDT @ limit 29500.0``, ``sell 0.5 XBTUSDT @ stop loss 29500.0 -> limit 29400.0``"""
    volume = order.quantity if order.quantity is not None else order.quote_quantity or ZERO
    kind = type_of(order)
    named = (kind if kind == "limit" else kind.removesuffix("-limit")).replace("-", " ")
    words = f"{order.side.value} {volume:.8f} {pair} @ {named}"
    if order.stop_price is not None:
        limit = f" -> limit {order.price:f}" if order.price is not None else ""
        return f"{words} {order.stop_price:f}{limit}"
    return f"{words} {order.price:f}" if order.price is not None else words


def order_view(order: Order, pair: str, quote: str, *, trades: bool) -> dict[str, Any]:
    """As QueryOrders, OpenOrders and ClosedOrders answer."""
    first, second = (order.stop_price, order.price) if order.stop_price is not None else (order.price, None)
    fees = sum((trade.fee for trade in order.trades if trade.fee_asset == quote), ZERO)
    average = order.quote_filled / order.filled if order.filled else ZERO
    flags = ["fcib" if order.fee_in == "received" else "fciq", *(["post"] if order.post_only else [])]
    view: dict[str, Any] = {
        "refid": None,
        "userref": 0,
        "cl_ord_id": None if order.client_id.startswith("sim-") else order.client_id,
        "status": STATUSES[order.status],
        "reason": "User requested" if order.status is Status.CANCELED else None,
        "opentm": order.created_ms / 1_000,
        "starttm": 0,
        "expiretm": order.expires_ms // 1_000,
        "descr": {
            "pair": pair,
            "type": order.side.value,
            "ordertype": type_of(order),
            "price": format(first or ZERO, "f"),
            "price2": format(second or ZERO, "f"),
            "leverage": "none",
            "order": order_words(order, pair),
            "close": "",
        },
        "vol": f"{order.quantity:.8f}",
        "vol_exec": f"{order.filled:.8f}",
        "cost": format(order.quote_filled, "f"),
        "fee": format(fees, "f"),
        "price": f"{average:.10f}",
        "stopprice": format(order.stop_price or ZERO, "f"),
        "limitprice": "0.00000",
        "misc": "",
        "oflags": ",".join(flags),
    }
    if not order.open:
        view["closetm"] = order.updated_ms / 1_000
    if trades:
        view["trades"] = [own_id("T", trade.id) for trade in order.trades]
    return view


def trade_view(trade: Trade, order: Order, pair: str) -> dict[str, Any]:
    """As TradesHistory answers."""
    return {
        "ordertxid": own_id("O", trade.order_id),
        "postxid": own_id("T", trade.id),
        "pair": pair,
        "time": trade.at_ms / 1_000,
        "type": trade.side.value,
        "ordertype": type_of(order),
        "price": format(trade.price, "f"),
        "cost": format(trade.quote_quantity, "f"),
        "fee": format(fee_in_quote(trade, order), "f"),
        "vol": f"{trade.quantity:.8f}",
        "margin": "0.00000",
        "misc": "",
        "trade_id": trade.id,
        "maker": trade.maker,
    }


def fee_in_quote(trade: Trade, order: Order) -> Decimal:
    """A fee in the base asset is stated in the quote asset, as Kraken does."""
    return trade.fee if trade.fee_asset != order.symbol.partition("/")[0] else trade.fee * trade.price
