"""Kraken's REST interface as a dialect of the simulator: everything is ``{"error": [...], "result": ...}``."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256, sha512
from typing import Any

from workers.exchange_simulator.calls import Answer, Call, Declined, Route
from workers.exchange_simulator.engine.rejections import Reason
from workers.exchange_simulator.faults import Fault
from workers.exchange_simulator.kraken.errors import ORDER_REFUSALS, declined
from workers.exchange_simulator.kraken.executions import SocketTokens
from workers.exchange_simulator.kraken.names import PairNames
from workers.exchange_simulator.kraken.orders import KrakenOrders
from workers.exchange_simulator.kraken.public import KrakenMarketData
from workers.exchange_simulator.quotas import Quotas
from workers.exchange_simulator.simulator import Simulator

_STATUS_ERRORS = {429: "EAPI:Rate limit exceeded", 503: "EService:Unavailable", 504: "EService:Deadline elapsed"}


class KrakenDialect:
    name = "kraken"

    def __init__(
        self, simulator: Simulator, quotas: Quotas, later: Callable[[float, Callable[[], None]], None]
    ) -> None:
        self.simulator, self.quotas = simulator, quotas
        self.names = PairNames(simulator.exchange)
        data = KrakenMarketData(simulator, self.names)
        orders = KrakenOrders(simulator, self.names, later)
        self.tokens = SocketTokens(simulator)
        self.routes = {**_public_routes(data), **_private_routes(orders, self.tokens)}

    def route(self, method: str, path: str) -> Route | None:
        return self.routes.get(path) if method == ("GET" if path.startswith("/0/public/") else "POST") else None

    def identify(self, call: Call) -> str:
        call.account = self.simulator.keys.get(call.headers.get("API-Key", ""))
        return self.names.symbols.get(call.params.get("pair", ""), "")

    def admit(self, call: Call, route: Route, address: str, wall_ms: int) -> dict[str, str]:
        status, _, _ = self.quotas.spend_weight(address, route.weight, wall_ms)
        if status != 200:  # noqa: PLR2004
            raise declined("EAPI:Rate limit exceeded")
        if route.security == "signed":
            self._check_signature(call)
        if route.orders and not self.quotas.spend_orders(call.client.name, route.orders, wall_ms)[0]:
            raise declined("EOrder:Rate limit exceeded")
        return {}

    def wrap(self, value: Any) -> Answer:
        return Answer(200, {"error": [], "result": value})

    def unknown_route(self) -> Answer:
        return Answer(200, {"error": ["EGeneral:Unknown method"]})

    def fault_answer(self, fault: Fault) -> Answer:
        status = int(fault.options.get("status", 503))
        if fault.options.get("html"):
            return Answer(status, f"<html><body>{status}</body></html>", {"Content-Type": "text/html"})
        message = str(fault.options.get("message") or _STATUS_ERRORS.get(status, "EGeneral:Internal error"))
        return Answer(200 if status in _STATUS_ERRORS or fault.kind == "reject" else status, {"error": [message]})

    def malformed(self) -> Declined:
        return declined("EGeneral:Invalid arguments")

    def duplicate(self) -> Declined:
        return declined(ORDER_REFUSALS[Reason.DUPLICATE_CLIENT_ID])

    @staticmethod
    def _check_signature(call: Call) -> None:
        """``API-Sign``: HMAC-SHA512 over path and SHA256 of nonce and body, and a nonce that only rises."""
        account = call.account
        if account is None or account.revoked:
            raise declined("EAPI:Invalid key")
        nonce = call.params.get("nonce", "")
        digest = sha256((nonce + call.body).encode()).digest()
        expected = b64encode(hmac.new(b64decode(account.secret), call.path.encode() + digest, sha512).digest())
        if not hmac.compare_digest(expected, call.headers.get("API-Sign", "").encode()):
            raise declined("EAPI:Invalid signature")
        if not nonce.isdigit() or int(nonce) <= account.last_nonce:
            raise declined("EAPI:Invalid nonce")
        account.last_nonce = int(nonce)


def _public_routes(data: KrakenMarketData) -> dict[str, Route]:
    return {
        "/0/public/Time": Route("time", 1, "none", data.time),
        "/0/public/SystemStatus": Route("time", 1, "none", data.status),
        "/0/public/Assets": Route("exchange_info", 1, "none", data.assets),
        "/0/public/AssetPairs": Route("exchange_info", 1, "none", data.pairs),
        "/0/public/Ticker": Route("ticker", 1, "none", data.ticker),
        "/0/public/OHLC": Route("candles", 1, "none", data.bars),
        "/0/public/Depth": Route("book", 1, "none", data.depth),
        "/0/public/Trades": Route("trades", 1, "none", data.trades),
    }


def _private_routes(orders: KrakenOrders, tokens: SocketTokens) -> dict[str, Route]:
    return {
        "/0/private/Balance": Route("balance", 1, "signed", orders.balance),
        "/0/private/BalanceEx": Route("balance", 1, "signed", orders.balance_extended),
        "/0/private/AddOrder": Route("create", 1, "signed", orders.add, orders=1),
        "/0/private/QueryOrders": Route("fetch_order", 1, "signed", orders.query),
        "/0/private/CancelOrder": Route("cancel", 1, "signed", orders.cancel),
        "/0/private/AmendOrder": Route("replace", 1, "signed", orders.amend),
        "/0/private/OpenOrders": Route("open_orders", 1, "signed", orders.open_orders),
        "/0/private/ClosedOrders": Route("all_orders", 1, "signed", orders.closed_orders),
        "/0/private/TradesHistory": Route("my_trades", 1, "signed", orders.trades_history),
        "/0/private/QueryTrades": Route("my_trades", 1, "signed", orders.query_trades),
        "/0/private/GetWebSocketsToken": Route("account", 1, "signed", tokens.create),
        "/0/private/GetApiKeyInfo": Route("account", 1, "signed", orders.key_info),
    }
