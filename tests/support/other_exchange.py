"""An HTTP server that answers as Coinbase Exchange does, with orders that have state: an exchange that our dialects
know nothing special of, made apart from our own simulator.

It differs from that in all it may: ids are UUIDs, lists come newest first and cut to ``rows``, times are rounded to
``rounded_to`` seconds, an order that ended is called ``done``, and what is new shows after ``shown_after`` seconds.
``faults["POST /orders"]`` is a list of what happens to the next requests: ``lost`` (done, then cut), ``cut`` (not
done), ``half`` (done, half of the answer arrives), ``(status, body, done)``.
"""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from apps.foundation.clock import wall_now
from apps.foundation.money import ZERO, plain
from apps.trading.adapters.ccxt_venue import CcxtVenue

D = Decimal
KEYS = {"apiKey": "key", "secret": "c2VjcmV0", "password": "word"}
FEE, HALF_SPREAD, STEP, TICK, LEAST = D("0.004"), D("0.0002"), D("0.00001"), D("0.01"), D(10)


class Refusal(Exception):  # noqa: N818
    """An error answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass
class Placed:
    """One order as the exchange keeps it."""

    wish: dict[str, Any]
    at: float
    id: str = field(default_factory=lambda: str(uuid4()))
    filled: Decimal = ZERO
    paid: Decimal = ZERO
    fees: Decimal = ZERO
    done: str = ""

    @property
    def size(self) -> Decimal:
        return D(self.wish["size"])


class OtherExchange:
    """The world behind the server. ``shares``: how much of the next orders fills at once."""

    def __init__(self, balances: dict[str, str], price: str = "50000") -> None:
        self.free = defaultdict(D, {asset: D(amount) for asset, amount in balances.items()})
        self.held: dict[str, Decimal] = defaultdict(D)
        self.price = D(price)
        self.orders: dict[str, Placed] = {}
        self.trades: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.creates: list[str] = []
        self.faults: dict[str, list[Any]] = defaultdict(list)
        self.shares: list[Decimal] = []
        self.rows, self.rounded_to, self.shown_after, self.names_ids = 100, 0, 0.0, True
        self.lock = threading.RLock()

    def move(self, price: str) -> None:
        """Let the market trade at a price."""
        with self.lock:
            self.price = D(price)
            for order in list(self.orders.values()):
                limit = None if order.done else D(order.wish["price"])
                if limit is not None and (limit > self.price if order.wish["side"] == "buy" else limit < self.price):
                    self._fill(order, limit, order.size - order.filled, "M")

    @contextmanager
    def serving(self) -> Iterator[str]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    # What a request does

    def answer(self, method: str, path: str, given: dict[str, str]) -> Any:
        """Raises ``Refusal``."""
        routes: dict[str, Callable[[dict[str, str]], Any]] = {
            "GET /currencies": lambda _: [],
            "GET /products": lambda _: [_product()],
            "GET /time": lambda _: {"iso": "", "epoch": wall_now().timestamp()},
            "GET /accounts": lambda _: self._accounts(),
            "GET /orders": self._list,
            "GET /fills": self._fills,
            "POST /orders": self._create,
        }
        with self.lock:
            if f"{method} {path}" in routes:
                return routes[f"{method} {path}"](given)
            order = self._named(path.removeprefix("/orders/"))
            return self._view(order) if method == "GET" else self._cancel(order)

    def _create(self, given: dict[str, str]) -> Any:
        self.creates.append(given.get("client_oid", ""))
        if given.get("client_oid") in {order.wish.get("client_oid") for order in self.orders.values()}:
            raise Refusal(400, "Duplicate client_oid")
        worth = D(given["size"]) * D(given.get("price") or self.price)
        if worth < LEAST:
            raise Refusal(400, "size is too small. Minimum funds are 10")
        asset, needed = (
            ("USDT", worth * (1 + FEE + HALF_SPREAD)) if given["side"] == "buy" else ("BTC", D(given["size"]))
        )
        if self.free[asset] < needed:
            raise Refusal(400, "Insufficient funds")
        order = Placed(given, time.time())
        if given["type"] == "limit":
            self.free[asset] -= needed
            self.held[order.id] = needed
        self.orders[order.id] = order
        share = self.shares.pop(0) if self.shares else D(1)
        if given["type"] == "market":
            sign = 1 if given["side"] == "buy" else -1
            amount = (order.size * share).quantize(STEP)
            self._fill(order, self.price * (1 + sign * HALF_SPREAD), amount, "T")
            order.done = order.done or "canceled"
        return {**self._view(order), "status": "pending", "filled_size": "0", "done_reason": None}

    def _cancel(self, order: Placed) -> str:
        if order.done:
            raise Refusal(400, "Order already done")
        order.done = "canceled"
        self._let_go(order)
        return order.id

    def _fill(self, order: Placed, price: Decimal, amount: Decimal, liquidity: str) -> None:
        if not amount:
            return
        sign = 1 if order.wish["side"] == "buy" else -1
        fee = price * amount * FEE
        order.filled += amount
        order.paid += price * amount
        order.fees += fee
        if order.filled == order.size:
            order.done = "filled"
        self._let_go(order)
        self.free["BTC"] += sign * amount
        self.free["USDT"] -= sign * price * amount + fee
        self.trades.append(
            {
                "trade_id": len(self.trades) + 1,
                "product_id": "BTC-USDT",
                "order_id": order.id,
                "side": order.wish["side"],
                "size": plain(amount),
                "price": plain(price),
                "fee": plain(fee),
                "liquidity": liquidity,
                "created_at": self._stamp(time.time()),
                "at": time.time(),
            }
        )

    def _let_go(self, order: Placed) -> None:
        asset = "USDT" if order.wish["side"] == "buy" else "BTC"
        self.free[asset] += self.held.pop(order.id, D(0))

    def _named(self, name: str) -> Placed:
        by = (lambda order: order.wish.get("client_oid")) if name.startswith("client:") else (lambda order: order.id)
        wanted = name.removeprefix("client:")
        found = next((order for order in self._visible() if by(order) == wanted), None)
        if found is None:
            raise Refusal(404, "NotFound")
        return found

    def _visible(self) -> list[Placed]:
        return [order for order in self.orders.values() if time.time() - order.at >= self.shown_after]

    def _list(self, given: dict[str, str]) -> list[Any]:
        wanted = {"all": lambda _: True, "done": lambda order: order.done}.get(
            given.get("status", ""), lambda order: not order.done
        )
        found = [order for order in self._visible() if wanted(order) and _in_span(order.at, given)]
        return [self._view(order) for order in sorted(found, key=lambda order: order.at, reverse=True)[: self.rows]]

    def _fills(self, given: dict[str, str]) -> list[Any]:
        found = [
            trade
            for trade in reversed(self.trades)
            if given.get("order_id") in {None, trade["order_id"]}
            and _in_span(trade["at"], given)
            and time.time() - trade["at"] >= self.shown_after
        ]
        return [{name: value for name, value in trade.items() if name != "at"} for trade in found[: self.rows]]

    def _accounts(self) -> list[Any]:
        held = {"USDT": D(0), "BTC": D(0)}
        for name, amount in self.held.items():
            held["USDT" if self.orders[name].wish["side"] == "buy" else "BTC"] += amount
        return [
            {
                "id": asset,
                "currency": asset,
                "available": plain(self.free[asset]),
                "hold": plain(tied),
                "balance": plain(self.free[asset] + tied),
            }
            for asset, tied in held.items()
        ]

    def _view(self, order: Placed) -> dict[str, Any]:
        named = {"client_oid": order.wish.get("client_oid")} if self.names_ids else {}
        return {
            **named,
            "id": order.id,
            "size": order.wish["size"],
            "price": order.wish.get("price"),
            "product_id": "BTC-USDT",
            "side": order.wish["side"],
            "type": order.wish["type"],
            "created_at": self._stamp(order.at),
            "fill_fees": plain(order.fees),
            "filled_size": plain(order.filled),
            "executed_value": plain(order.paid),
            "status": "done" if order.done else "open",
            # What a market order leaves is no cancel here: the order is done, and that is all.
            "done_reason": "canceled" if order.done == "canceled" and order.wish["type"] == "limit" else "filled",
        }

    def _stamp(self, at: float) -> str:
        rounded = at - at % self.rounded_to if self.rounded_to else at
        return datetime.fromtimestamp(rounded, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def other_venue(
    address: str, *, account: str = "other", firm_time: Callable[[datetime], datetime] = lambda at: at
) -> CcxtVenue:
    """The real ccxt in front of it, by the dialect of an exchange that nothing special is known of."""
    urls = {"public": address, "private": address}
    return CcxtVenue(account=account, exchange="coinbaseexchange", keys=KEYS, urls=urls, firm_time=firm_time, pace_ms=1)


def _in_span(at: float, given: dict[str, str]) -> bool:
    def stamp(name: str, otherwise: float) -> float:
        return datetime.fromisoformat(given[name]).timestamp() if name in given else otherwise

    return stamp("start_date", 0.0) <= at <= stamp("end_date", 1e12)


def _product() -> dict[str, Any]:
    return {
        "id": "BTC-USDT",
        "base_currency": "BTC",
        "quote_currency": "USDT",
        "base_increment": plain(STEP),
        "quote_increment": plain(TICK),
        "min_market_funds": plain(LEAST),
        "margin_enabled": False,
        "status": "online",
    }


def _handler(world: OtherExchange) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            given = {name: values[0] for name, values in parse_qs(parts.query).items()}
            request = f"{self.command} {parts.path}"
            world.asked.append(request)
            waiting = world.faults[request]
            fault = waiting.pop(0) if waiting else None
            if fault == "cut" or (isinstance(fault, tuple) and not fault[2]):
                self._end(fault)
                return
            try:
                said, status = world.answer(self.command, parts.path, given | (json.loads(body) if body else {})), 200
            except Refusal as refusal:
                said, status = {"message": refusal.message}, refusal.status
            self._end(fault, said, status)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the server's names

        def _end(self, fault: Any, said: Any = None, status: int = 200) -> None:
            if fault in {"cut", "lost"}:
                self.close_connection = True
                return
            if isinstance(fault, tuple):
                status, said = fault[:2]
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if fault == "half":
                self.send_header("Connection", "close")
                data = data[: len(data) // 2]
            else:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.close_connection = self.close_connection or fault == "half"

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
