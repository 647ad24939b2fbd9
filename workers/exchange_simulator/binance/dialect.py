"""Binance's REST interface as a dialect of the simulator."""

from collections.abc import Callable
from typing import Any

from workers.exchange_simulator.binance.errors import ORDER_REFUSALS, declined
from workers.exchange_simulator.binance.market_data import MarketData
from workers.exchange_simulator.binance.orders import Orders
from workers.exchange_simulator.binance.routes import binance_routes
from workers.exchange_simulator.binance.signatures import check_key, check_signature
from workers.exchange_simulator.binance.user_streams import ListenKeys
from workers.exchange_simulator.binance.wallet import Wallet
from workers.exchange_simulator.calls import Answer, Call, Declined, Route
from workers.exchange_simulator.engine.rejections import Reason
from workers.exchange_simulator.faults import Fault
from workers.exchange_simulator.quotas import Quotas
from workers.exchange_simulator.simulator import Simulator

_STREAMS = "Please use WebSocket Streams for live updates to avoid polling the API."
_MESSAGES = {
    429: (-1003, "Too much request weight used; current limit is {limit} request weight per 1 MINUTE. " + _STREAMS),
    418: (-1003, "Way too much request weight used; IP banned. " + _STREAMS),
    500: (-1001, "Internal error; unable to process your request. Please try again."),
    502: (-1001, "Internal error; unable to process your request. Please try again."),
    503: (-1008, "Request throttled by system-level protection. Please try again."),
    504: (-1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown."),
}
HTML = "<html><head><title>{status}</title></head><body><h1>We will be back soon</h1></body></html>"


class BinanceDialect:
    name = "binance"

    def __init__(
        self, simulator: Simulator, quotas: Quotas, later: Callable[[float, Callable[[], None]], None]
    ) -> None:
        self.simulator, self.quotas = simulator, quotas
        self.data = MarketData(simulator, quotas.weight_limit, quotas.order_limit)
        self.keys = ListenKeys(simulator)
        self.orders = Orders(simulator, self.data, later)
        self.routes = binance_routes(self.data, self.orders, Wallet(simulator), self.keys)
        self.symbols = {pair: market.instrument.symbol for pair, market in self.data.markets.items()}

    def route(self, method: str, path: str) -> Route | None:
        return self.routes.get((method, path))

    def identify(self, call: Call) -> str:
        call.account = self.simulator.keys.get(call.headers.get("X-MBX-APIKEY", ""))
        return self.symbols.get(call.params.get("symbol", ""), "")

    def admit(self, call: Call, route: Route, address: str, wall_ms: int) -> dict[str, str]:
        status, used, wait = self.quotas.spend_weight(address, route.weight, wall_ms)
        headers = {"X-MBX-USED-WEIGHT": str(used), "X-MBX-USED-WEIGHT-1M": str(used)}
        if status != 200:  # noqa: PLR2004
            answer = _error(status, self.quotas.weight_limit)
            answer.headers = {**headers, "Retry-After": str(wait)}
            raise Declined(answer, note=f"{status} over the request weight")
        if route.security == "signed":
            check_signature(call)
        elif route.security == "key":
            check_key(call)
        if route.orders:
            allowed, count, wait = self.quotas.spend_orders(call.client.name, route.orders, wall_ms)
            headers["X-MBX-ORDER-COUNT-10S"] = str(count)
            if not allowed:
                message = f"Too many new orders; current limit is {self.quotas.order_limit} orders per 10 SECOND."
                refusal = declined(-1015, message, 429)
                refusal.answer.headers = {**headers, "Retry-After": str(wait)}
                raise refusal
        return headers

    def wrap(self, value: Any) -> Answer:
        return Answer(200, value)

    def unknown_route(self) -> Answer:
        return Answer(404, HTML.format(status=404), {"Content-Type": "text/html"})

    def fault_answer(self, fault: Fault) -> Answer:
        status = int(fault.options.get("status", 400 if fault.kind == "reject" else 503))
        if fault.options.get("html"):
            return Answer(status, HTML.format(status=status), {"Content-Type": "text/html"})
        answer = _error(status, self.quotas.weight_limit)
        if "code" in fault.options:
            answer.body = {"code": int(fault.options["code"]), "msg": str(fault.options.get("message", "Refused."))}
        if status in {418, 429}:
            answer.headers["Retry-After"] = str(int(fault.options.get("retry_after", 1)))
        return answer

    def malformed(self) -> Declined:
        return declined(-1100, "Illegal characters found in a parameter.")

    def duplicate(self) -> Declined:
        return declined(*ORDER_REFUSALS[Reason.DUPLICATE_CLIENT_ID], applied=True)


def _error(status: int, limit: int) -> Answer:
    code, message = _MESSAGES.get(status, (-1000, "An unknown error occurred while processing the request."))
    return Answer(status, {"code": code, "msg": message.format(limit=limit)})
