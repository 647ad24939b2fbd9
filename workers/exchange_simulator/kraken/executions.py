"""Kraken's WebSocket interface, version 2: own orders and trades by the channel ``executions`` and a token of REST."""

from datetime import UTC, datetime
from secrets import token_urlsafe
from typing import Any

import orjson

from workers.exchange_simulator.calls import Call
from workers.exchange_simulator.engine.events import Event, OrderEvent
from workers.exchange_simulator.engine.orders import ZERO, Order, Status, Trade
from workers.exchange_simulator.kraken.names import own_id
from workers.exchange_simulator.kraken.views import fee_in_quote, type_of
from workers.exchange_simulator.plugs import Plug
from workers.exchange_simulator.simulator import Simulator

_KINDS = {"new": "new", "working": "status", "canceled": "canceled", "expired": "expired", "replaced": "amended"}
_ENDED = frozenset({"canceled", "expired"})
_STATUSES = {"new": "new", "partially_filled": "partially_filled", "filled": "filled"}
_SNAPSHOT_TRADES = 50
_TOKEN_SECONDS = 900
_SNAPSHOT = {"type": "snapshot"}


class SocketTokens:
    """``GetWebSocketsToken``: what a private subscription has to name, within a quarter of an hour."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self._tokens: dict[str, tuple[str, int]] = {}

    def create(self, call: Call) -> dict[str, Any]:
        token = token_urlsafe(32)
        self._tokens[token] = call.client.name, self.simulator.wall_ms() + _TOKEN_SECONDS * 1_000
        return {"token": token, "expires": _TOKEN_SECONDS}

    def account(self, token: str) -> str | None:
        """Whose it is; None for an unknown, stale or revoked one."""
        name, until = self._tokens.get(token, ("", 0))
        account = self.simulator.exchange.accounts.get(name)
        valid = account is not None and not account.revoked and self.simulator.wall_ms() < until
        return name if valid else None


class KrakenSockets:
    """Only ``executions`` is offered; prices are asked over REST."""

    def __init__(self, simulator: Simulator, tokens: SocketTokens) -> None:
        self.simulator, self.tokens = simulator, tokens

    def opened(self, plug: Plug) -> None:
        status = {"version": "2.0.10", "system": "online", "api_version": "v2", "connection_id": id(plug)}
        plug.send({"channel": "status", "type": "update", "data": [status]})

    def asked(self, plug: Plug, raw: str) -> None:
        asked = orjson.loads(raw)
        method, params = asked.get("method"), asked.get("params") or {}
        known = {"req_id": asked["req_id"]} if "req_id" in asked else {}
        if method == "ping":
            plug.send({"method": "pong", **known})
            return
        wrong = self._refusal(method, params)
        if wrong:
            plug.send({"method": method, **known, "success": False, "error": wrong})
            return
        result = {"channel": "executions", "maxratecount": 180, "snapshot": True}
        plug.send({"method": method, **known, "success": True, "result": result})
        if method == "unsubscribe":
            plug.account = ""
            return
        plug.account, plug.wrap = self.tokens.account(params["token"]) or "", Numbered()
        self._send_snapshot(plug, params)

    def news(self, plug: Plug, now_ms: int) -> list[Any]:  # noqa: ARG002 - the protocol's signature
        return []

    def own(self, event: Event, now_ms: int) -> list[tuple[str, Any]]:  # noqa: ARG002 - the protocol's signature
        return [(event.kind, told) for told in executions(event)] if isinstance(event, OrderEvent) else []

    def _refusal(self, method: Any, params: dict[str, Any]) -> str:
        if method not in {"subscribe", "unsubscribe"}:
            return f"Unsupported method: {method}"
        if params.get("channel") != "executions":
            return f"Unsupported channel: {params.get('channel')}"
        return "" if self.tokens.account(str(params.get("token", ""))) else "ESession:Invalid session"

    def _send_snapshot(self, plug: Plug, params: dict[str, Any]) -> None:
        """What is open, and the last trades where they are wanted; trades and orders in frames of their own."""
        exchange, now_ms = self.simulator.exchange, self.simulator.now_ms()
        mine = [order for order in exchange.orders.values() if order.account == plug.account]
        seen = [order for order in mine if order.visible_ms <= now_ms]
        if params.get("snap_orders", True):
            plug.send(plug.wrap([_order(order, "new", order.status) for order in seen if order.open]) | _SNAPSHOT)
        if params.get("snap_trades", False):
            trades = sorted((trade for order in seen for trade in order.trades), key=lambda trade: trade.id)
            told = [_trade(exchange.orders[trade.order_id], trade) for trade in trades[-_SNAPSHOT_TRADES:]]
            plug.send(plug.wrap(told) | _SNAPSHOT)


class Numbered:
    """Wraps rows as the next frame of a subscription."""

    def __init__(self) -> None:
        self.sequence = 0

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        self.sequence += 1
        return {"channel": "executions", "type": "update", "data": rows, "sequence": self.sequence}


def executions(event: OrderEvent) -> list[list[dict[str, Any]]]:
    """One change of an order as the rows of one or two frames: the trade, and the end that it may have brought."""
    order = event.order
    if event.trade is not None:
        filled = {"cum_qty": float(event.filled), "cum_cost": float(event.quote_filled)}
        row = _trade(order, event.trade) | filled | {"order_status": _STATUSES.get(event.status, event.status)}
        return [[row], [_order(order, "filled", Status.FILLED) | filled]] if event.status == "filled" else [[row]]
    kind = _KINDS.get(event.kind)
    if kind is None:
        return []
    row = _order(order, kind, event.status) | {"cum_qty": float(event.filled), "cum_cost": float(event.quote_filled)}
    if kind in _ENDED:  # the end names the order by its ids alone, as Kraken does
        told = ("order_id", "cl_ord_id", "exec_type", "order_status", "cum_qty", "cum_cost", "avg_price", "timestamp")
        row = {name: row[name] for name in told if name in row} | {"order_userref": 0}
        row |= {"reason": "User requested", "cancel_reason": "User requested"} if kind == "canceled" else {}
    return [[row]]


def _order(order: Order, kind: str, status: str) -> dict[str, Any]:
    prices = {"limit_price": order.price, "stop_price": order.stop_price}
    return {
        **_names(order),
        "exec_type": kind,
        "order_status": _STATUSES.get(status, status),
        "order_qty": float(order.quantity),
        "cum_qty": float(order.filled),
        "cum_cost": float(order.quote_filled),
        "avg_price": float(order.quote_filled / order.filled if order.filled else ZERO),
        "time_in_force": order.time_in_force,
        "fee_ccy_pref": "fcib" if order.fee_in == "received" else "fciq",
        "timestamp": _iso(order.updated_ms),
        **{name: float(price) for name, price in prices.items() if price is not None},
    }


def _trade(order: Order, trade: Trade) -> dict[str, Any]:
    return {
        **_names(order),
        "exec_type": "trade",
        "exec_id": own_id("T", trade.id),
        "trade_id": trade.id,
        "last_qty": float(trade.quantity),
        "last_price": float(trade.price),
        "liquidity_ind": "m" if trade.maker else "t",
        "cost": float(trade.quote_quantity),
        "fees": [{"asset": order.symbol.partition("/")[2], "qty": float(fee_in_quote(trade, order))}],
        "timestamp": _iso(trade.at_ms),
    }


def _names(order: Order) -> dict[str, Any]:
    named = {} if order.client_id.startswith("sim-") else {"cl_ord_id": order.client_id}
    return {
        "order_id": own_id("O", order.id),
        "order_userref": 0,
        "symbol": order.symbol,
        "side": order.side.value,
        "order_type": type_of(order),
        **named,
    }


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
