"""An HTTP server that answers as Alpaca does, with orders that have state.

The shape of each answer is that of the broker's REST interface (``recorded_payloads/alpaca_*.json``). Prices are what
the test says. ``faults[kind]`` (create, cancel, query, data) is one of: ``html``, ``down``,
``gateway`` (504), ``limited`` (429), ``reset`` (before it is taken), ``lost`` (taken, then the line drops), ``slow``,
``nonsense``, ``forbidden`` (a page).
"""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

from apps.foundation.clock import wall_now
from apps.foundation.money import plain

PAYLOADS = Path(__file__).parent / "recorded_payloads"
HTML = b"<html><body>We are under maintenance.</body></html>"
KEY, SECRET = "PKTEST", "secret-of-the-test"
D = Decimal
_BROKEN = {
    "html": (200, HTML, "text/html"),
    "forbidden": (403, HTML, "text/html"),
    "down": (503, HTML, "text/html"),
    "gateway": (504, HTML, "text/html"),
    "limited": (429, b'{"code": 42910000, "message": "too many requests."}', "application/json"),
    "nonsense": (200, b'{"status": "perhaps", "filled_qty": "-3"}', "application/json"),
}
_OPEN = {"new", "partially_filled", "accepted"}


class BrokerRefusal(Exception):  # noqa: N818
    """An error answer in the broker's form."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass
class BrokerOrder:
    """One order as the broker keeps it."""

    wish: dict[str, Any]
    at: datetime
    id: str = field(default_factory=lambda: str(uuid4()))
    status: str = "new"
    filled: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    replaced_by: str | None = None
    shown: dict[str, Any] = field(default_factory=dict)  # what the broker tells otherwise

    @property
    def quantity(self) -> Decimal:
        return D(self.wish["qty"])

    @property
    def left(self) -> Decimal:
        return self.quantity - self.filled


class RecordedBroker:
    """The world behind the server: money, holdings, orders, trades, faults, and what was asked."""

    def __init__(self, now: Callable[[], datetime] = wall_now, cash: str = "100000") -> None:
        self.now = now
        self.cash = D(cash)
        self.unsettled = D(0)
        self.holdings: dict[str, Decimal] = {}
        self.assets: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, BrokerOrder] = {}
        self.activities: list[dict[str, Any]] = []
        self.quotes: dict[str, tuple[Decimal, Decimal, datetime]] = {}
        self.bars: dict[str, list[dict[str, Any]]] = {}
        self.splits: list[dict[str, Any]] = []
        self.faults: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        self.is_open = True
        self.skew = timedelta(0)
        self.account_changes: dict[str, Any] = {}
        self.lock = threading.RLock()
        for symbol in ("AAPL", "MSFT"):
            self.list_asset(symbol)

    @property
    def creates(self) -> int:
        """How many requests to place an order came in, answered or not."""
        return sum(asked == ("POST", "/v2/orders") for asked in self.asked)

    def list_asset(self, symbol: str, *, fractionable: bool = True, tradable: bool = True) -> None:
        """Let the broker trade ``symbol``."""
        asset = payload("alpaca_asset")
        self.assets[symbol] = asset | {
            "id": str(UUID(int=len(self.assets) + 1)),
            "symbol": symbol,
            "fractionable": fractionable,
            "tradable": tradable,
        }

    def place(self, wish: dict[str, Any]) -> BrokerOrder:
        """Take an order or refuse it as the broker would."""
        with self.lock:
            if wish["symbol"] not in self.assets:
                raise BrokerRefusal(422, 42210000, f'asset "{wish["symbol"]}" not found')
            if any(order.wish["client_order_id"] == wish["client_order_id"] for order in self.orders.values()):
                raise BrokerRefusal(422, 40010001, "client_order_id must be unique")
            self._refuse_bad_numbers(wish)
            order = BrokerOrder(dict(wish), self.now())
            self.orders[order.id] = order
            return order

    def _refuse_bad_numbers(self, wish: dict[str, Any]) -> None:
        quantity = D(wish["qty"])
        price = D(wish.get("limit_price") or self.middle(wish["symbol"]) or 1)
        fraction = quantity != quantity.to_integral_value()
        if fraction and not self.assets[wish["symbol"]]["fractionable"]:
            raise BrokerRefusal(403, 40310000, "asset is not fractionable")
        if fraction and wish["time_in_force"] != "day":
            raise BrokerRefusal(422, 42210000, "fractional orders must be DAY orders")
        if price * quantity < 1:
            raise BrokerRefusal(403, 40310000, "cost basis must be >= minimal amount of order 1")
        if wish["side"] == "buy" and price * quantity > self.free_cash():
            raise BrokerRefusal(403, 40310000, "insufficient buying power")
        if wish["side"] == "sell" and quantity > self.free_shares(wish["symbol"]):
            raise BrokerRefusal(403, 40310000, "insufficient qty available for order")

    def free_cash(self) -> Decimal:
        """Cash that is settled and not set aside for orders."""
        tied = (
            order.left * D(order.wish.get("limit_price") or self.middle(order.wish["symbol"]) or 1)
            for order in self.orders.values()
            if order.status in _OPEN and order.wish["side"] == "buy"
        )
        return self.cash - self.unsettled - sum(tied, D(0))

    def free_shares(self, symbol: str) -> Decimal:
        """Shares that no sale is waiting for."""
        tied = (
            order.left
            for order in self.orders.values()
            if order.status in _OPEN and order.wish["side"] == "sell" and order.wish["symbol"] == symbol
        )
        return self.holdings.get(symbol, D(0)) - sum(tied, D(0))

    def middle(self, symbol: str) -> Decimal | None:
        """Between bid and ask."""
        quote = self.quotes.get(symbol)
        return None if quote is None else (quote[0] + quote[1]) / 2

    def trade(self, symbol: str, *, opening: str, low: str, high: str, at: datetime, share: str = "1") -> None:
        """The market trades once: market orders fill at the open (2 bp worse), limits when the price trades through."""
        with self.lock:
            for order in list(self.orders.values()):
                price = self._price_for(order, D(opening), D(low), D(high))
                if order.wish["symbol"] == symbol and order.status in _OPEN and price is not None and self.is_open:
                    self.fill(order, quantity=order.left * D(share), price=price, at=at)

    def _price_for(self, order: BrokerOrder, opening: Decimal, low: Decimal, high: Decimal) -> Decimal | None:
        buying = order.wish["side"] == "buy"
        if order.wish["type"] == "market":
            return opening * (D("1.0002") if buying else D("0.9998"))
        limit = D(order.wish["limit_price"])
        through = low < limit if buying else high > limit
        return limit if through else None

    def fill(self, order: BrokerOrder, *, quantity: Decimal, price: Decimal, at: datetime) -> None:
        """One trade of this order."""
        with self.lock:
            order.filled += quantity
            order.paid += quantity * price
            order.status = "filled" if not order.left else "partially_filled"
            sign = 1 if order.wish["side"] == "buy" else -1
            symbol = order.wish["symbol"]
            self.cash -= sign * quantity * price
            if sign < 0:
                self.unsettled += quantity * price
            self.holdings[symbol] = self.holdings.get(symbol, D(0)) + sign * quantity
            self.activities.append(
                payload("alpaca_fill")
                | {
                    "id": f"{at.astimezone(UTC):%Y%m%d%H%M%S%f}"[:17] + f"::{uuid4()}",
                    "transaction_time": iso(at),
                    "type": "fill" if order.status == "filled" else "partial_fill",
                    "price": plain(price),
                    "qty": plain(quantity),
                    "cum_qty": plain(order.filled),
                    "leaves_qty": plain(order.left),
                    "side": order.wish["side"],
                    "symbol": symbol,
                    "order_id": order.id,
                    "order_status": order.status,
                }
            )

    def charge(self, amount: str, description: str, kind: str = "FEE") -> None:
        """Book a regulatory fee, as the broker does at the day's end, or, below zero, a dividend."""
        with self.lock:
            self.cash -= D(amount)
            day = self.now().astimezone(UTC).date()
            self.activities.append(
                payload("alpaca_fee")
                | {
                    "id": f"{day:%Y%m%d}000000000::{uuid4()}",
                    "date": day.isoformat(),
                    "net_amount": plain(-D(amount)),
                    "activity_type": kind,
                    "description": description,
                }
            )

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[str]:
        """Serve on the loopback while the block runs; gives the address."""
        server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"world": self}))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def payload(name: str) -> Any:
    """One answer in the broker's form."""
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def iso(at: datetime) -> str:
    """The broker's way to write a time: more digits than a microsecond has."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


class _Answers:
    """Method, path and query to answer."""

    def __init__(self, world: RecordedBroker) -> None:
        self.world = world

    def to(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Any:
        with self.world.lock:
            for wanted, pattern, answer in self.routes():
                match = re.fullmatch(pattern, path)
                if wanted == method and match:
                    return answer(match[1] if match.groups() else "", query, body)
            raise BrokerRefusal(404, 40410000, "endpoint not found")

    def routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """Method, path, and what answers it: given the name in the path, the query and the body."""
        return [
            ("GET", "/v2/account", lambda _, __, ___: self.account()),
            ("GET", "/v2/clock", lambda _, __, ___: self.clock()),
            ("GET", "/v2/calendar", lambda _, query, __: self.calendar(query)),
            ("GET", "/v2/assets/(.+)", lambda name, _, __: self.asset(name)),
            ("GET", "/v2/positions", lambda _, __, ___: self.positions()),
            ("POST", "/v2/orders", lambda _, __, body: self.order(self.world.place(body))),
            ("GET", "/v2/orders", lambda _, query, __: self.orders(query)),
            (
                "GET",
                "/v2/orders:by_client_order_id",
                lambda _, query, __: self.order(self.found(query["client_order_id"])),
            ),
            ("GET", "/v2/orders/(.+)", lambda name, _, __: self.order(self.found(name))),
            ("PATCH", "/v2/orders/(.+)", lambda name, _, body: self.replaced(self.found(name), body)),
            ("DELETE", "/v2/orders/(.+)", lambda name, _, __: self.canceled(self.found(name))),
            ("GET", "/v2/account/activities", lambda _, query, __: self.activities(query)),
            ("GET", "/v2/stocks/quotes/latest", lambda _, query, __: self.latest_quotes(query)),
            ("GET", "/v2/stocks/bars", lambda _, query, __: self.bars(query)),
            ("GET", "/v1/corporate-actions", lambda _, __, ___: self.corporate_actions()),
        ]

    def positions(self) -> list[dict[str, Any]]:
        return [self.position(symbol) for symbol, held in self.world.holdings.items() if held]

    def latest_quotes(self, query: dict[str, str]) -> dict[str, Any]:
        return {"quotes": {name: self.quote(name) for name in self.known(query) if name in self.world.quotes}}

    def corporate_actions(self) -> dict[str, Any]:
        splits = self.world.splits
        return {"corporate_actions": {"forward_splits": splits} if splits else {}, "next_page_token": None}

    def account(self) -> dict[str, Any]:
        world = self.world
        return (
            payload("alpaca_account")
            | {"cash": plain(world.cash), "non_marginable_buying_power": plain(world.free_cash())}
            | world.account_changes
        )

    def clock(self) -> dict[str, Any]:
        at = self.world.now() + self.world.skew
        return {
            "timestamp": iso(at),
            "is_open": self.world.is_open,
            "next_open": iso(at + timedelta(hours=16)),
            "next_close": iso(at + timedelta(hours=3)),
        }

    def calendar(self, query: dict[str, str]) -> list[dict[str, str]]:
        first, last = date.fromisoformat(query["start"]), date.fromisoformat(query["end"])
        days = (first + timedelta(days=step) for step in range((last - first).days + 1))
        return [{"date": str(day), "open": "09:30", "close": "16:00"} for day in days if day.weekday() < 5]

    def asset(self, symbol: str) -> dict[str, Any]:
        if symbol not in self.world.assets:
            raise BrokerRefusal(404, 40410000, f"asset not found for {symbol}")
        return self.world.assets[symbol]

    def position(self, symbol: str) -> dict[str, Any]:
        held = self.world.holdings[symbol]
        return payload("alpaca_position") | {
            "asset_id": self.world.assets[symbol]["id"],
            "symbol": symbol,
            "qty": plain(held),
            "qty_available": plain(self.world.free_shares(symbol)),
        }

    def order(self, order: BrokerOrder) -> dict[str, Any]:
        return payload("alpaca_order") | {
            "id": order.id,
            "client_order_id": order.wish["client_order_id"],
            "created_at": iso(order.at),
            "updated_at": iso(order.at),
            "submitted_at": iso(order.at),
            "symbol": order.wish["symbol"],
            "qty": order.wish["qty"],
            "filled_qty": plain(order.filled),
            "filled_avg_price": plain(order.paid / order.filled) if order.filled else None,
            "order_type": order.wish["type"],
            "type": order.wish["type"],
            "side": order.wish["side"],
            "time_in_force": order.wish["time_in_force"],
            "limit_price": order.wish.get("limit_price"),
            "stop_price": order.wish.get("stop_price"),
            "status": order.status,
            "position_intent": order.wish.get("position_intent"),
            "replaced_by": order.replaced_by,
            **order.shown,
        }

    def found(self, name: str) -> BrokerOrder:
        for order in self.world.orders.values():
            if name in {order.id, order.wish["client_order_id"]}:
                return order
        raise BrokerRefusal(404, 40410000, f"order not found for {name}")

    def orders(self, query: dict[str, str]) -> list[dict[str, Any]]:
        wanted_open, after = query.get("status", "open") == "open", datetime.fromisoformat(query["after"])
        symbols = set(query["symbols"].split(",")) if "symbols" in query else None
        listed = sorted(self.world.orders.values(), key=lambda order: order.at)
        found = [
            self.order(order)
            for order in listed
            if (order.status in _OPEN) == wanted_open
            and order.at > after
            and (symbols is None or order.wish["symbol"] in symbols)
        ]
        return found[: int(query.get("limit", "50"))]

    def canceled(self, order: BrokerOrder) -> None:
        if order.status not in _OPEN:
            raise BrokerRefusal(422, 42210000, f'order is already in "{order.status}" state')
        order.status = "canceled"

    def replaced(self, order: BrokerOrder, body: dict[str, Any]) -> dict[str, Any]:
        if order.status not in _OPEN:
            raise BrokerRefusal(422, 42210000, f'order is already in "{order.status}" state')
        order.status = "replaced"
        after = self.world.place({**order.wish, "client_order_id": uuid4().hex, **body})
        order.replaced_by = after.id
        return self.order(after)

    def activities(self, query: dict[str, str]) -> list[dict[str, Any]]:
        kinds = query["activity_types"].split(",")
        after = datetime.fromisoformat(query["after"])
        found = sorted(
            (each for each in self.world.activities if each["activity_type"] in kinds and _time(each) > after),
            key=lambda each: each["id"],
        )
        if "page_token" in query:
            found = [each for each in found if each["id"] > query["page_token"]]
        return found[: int(query.get("page_size", "100"))]

    def known(self, query: dict[str, str]) -> list[str]:
        return [name for name in query["symbols"].split(",") if name in self.world.assets]

    def quote(self, symbol: str) -> dict[str, Any]:
        bid, ask, at = self.world.quotes[symbol]
        return {
            "t": iso(at),
            "ax": "V",
            "ap": float(ask),
            "as": 3,
            "bx": "V",
            "bp": float(bid),
            "bs": 2,
            "c": ["R"],
            "z": "C",
        }

    def bars(self, query: dict[str, str]) -> dict[str, Any]:
        unknown = [name for name in query["symbols"].split(",") if name not in self.world.assets]
        if unknown:
            raise BrokerRefusal(400, 40010001, f"invalid symbol: {unknown[0]}")
        start = query["start"]
        found = {
            name: [
                bar for bar in self.world.bars.get(name, []) if bar["t"] >= start and bar["frame"] == query["timeframe"]
            ]
            for name in self.known(query)
        }
        limit = int(query.get("limit") or 10_000)
        return {"bars": {name: bars[:limit] for name, bars in found.items() if bars}, "next_page_token": None}


def _time(activity: dict[str, Any]) -> datetime:
    if "transaction_time" in activity:
        return datetime.fromisoformat(activity["transaction_time"])
    return datetime.fromisoformat(activity["date"]).replace(tzinfo=UTC) + timedelta(hours=23)


def _kind(method: str, path: str) -> str:
    if path.startswith(("/v2/stocks", "/v1/corporate")):
        return "data"
    return {"POST": "create", "DELETE": "cancel", "PATCH": "create"}.get(method, "query")


class _Handler(BaseHTTPRequestHandler):
    """One request to the world that the server was made for."""

    protocol_version = "HTTP/1.1"
    world: RecordedBroker

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        self.world.asked.append((self.command, parts.path))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        fault = self.world.faults.get(_kind(self.command, parts.path))
        if fault == "slow":
            time.sleep(0.3)
        elif fault in {"lost", "reset"}:
            if fault == "lost":
                _Answers(self.world).to(self.command, parts.path, query, body)
            self._drop()
            return
        elif fault:
            self._send_bytes(*_BROKEN[fault])
            return
        self._answer(parts.path, query, body)

    do_POST = do_DELETE = do_PATCH = do_GET  # noqa: N815 - the library's names

    def _answer(self, path: str, query: dict[str, str], body: dict[str, Any]) -> None:
        if (self.headers.get("APCA-API-KEY-ID"), self.headers.get("APCA-API-SECRET-KEY")) != (KEY, SECRET):
            self._send(401, {"code": 40110000, "message": "request is not authorized"})
            return
        try:
            answer = _Answers(self.world).to(self.command, path, query, body)
        except BrokerRefusal as refusal:
            self._send(refusal.status, {"code": refusal.code, "message": refusal.message})
            return
        self._send(204 if answer is None else 200, answer)

    def _drop(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.connection.close()
        self.close_connection = True

    def _send(self, status: int, answer: Any) -> None:
        self._send_bytes(status, b"" if answer is None else json.dumps(answer).encode(), "application/json")

    def _send_bytes(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
