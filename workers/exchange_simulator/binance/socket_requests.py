"""Binance's sockets: public streams, user streams by listen key, and the signed subscription of the WebSocket API."""

from typing import Any

import orjson

from workers.exchange_simulator.binance.dialect import BinanceDialect
from workers.exchange_simulator.binance.market_streams import news, subscription
from workers.exchange_simulator.binance.signatures import check_socket_signature
from workers.exchange_simulator.binance.user_streams import messages
from workers.exchange_simulator.calls import Declined
from workers.exchange_simulator.engine.events import Event
from workers.exchange_simulator.plugs import Plug
from workers.exchange_simulator.simulator import Simulator


class BinanceSockets:
    def __init__(self, simulator: Simulator, binance: BinanceDialect) -> None:
        self.simulator, self.binance = simulator, binance

    def opened(self, plug: Plug) -> None:
        names = plug.streams.split("/") + plug.path.strip("/").split("/")[1:]
        for name in filter(None, names):
            self._subscribe(plug, name)

    def asked(self, plug: Plug, raw: str) -> None:
        asked = orjson.loads(raw)
        number, method, params = asked.get("id"), asked.get("method"), asked.get("params") or []
        if plug.path.startswith("/ws-api"):
            plug.send(self._api(plug, number, method, params if isinstance(params, dict) else {}))
            return
        for name in params:
            if method == "SUBSCRIBE" and not self._subscribe(plug, name):
                plug.send({"error": {"code": 2, "msg": f"Invalid request: unknown stream {name}"}, "id": number})
                return
            if method == "UNSUBSCRIBE":
                plug.market.pop(name, None)
        plug.send({"result": list(plug.market) if method == "LIST_SUBSCRIPTIONS" else None, "id": number})

    def news(self, plug: Plug, now_ms: int) -> list[Any]:
        combined = plug.path.startswith("/stream")
        return [
            {"stream": one.name, "data": message} if combined else message
            for one in plug.market.values()
            for message in news(one, self.binance.data, now_ms)
        ]

    def own(self, event: Event, now_ms: int) -> list[tuple[str, Any]]:
        return list(messages(event, self.simulator.exchange, now_ms))

    def _subscribe(self, plug: Plug, name: str) -> bool:
        account = self.binance.keys.accounts.get(name)
        if account is not None:
            plug.account = account
            return True
        found = subscription(name, self.binance.data)
        if found is not None:
            plug.market[name] = found
        return found is not None

    def _api(self, plug: Plug, number: Any, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The WebSocket interface: user streams, time, ping. Orders go over REST."""
        now_ms = self.simulator.now_ms()
        if method == "ping":
            return _result(number, {})
        if method == "time":
            return _result(number, {"serverTime": now_ms})
        if method != "userDataStream.subscribe.signature":
            return _error(number, 400, -1006, f"Method {method} is not offered here; use REST.")
        texts = {name: str(value) for name, value in params.items()}
        account = self.simulator.keys.get(texts.get("apiKey", ""))
        if account is None or account.revoked:
            return _error(number, 401, -2015, "Invalid API-key, IP, or permissions for action.")
        try:
            check_socket_signature(account, texts, now_ms)
        except Declined as refusal:
            return _error(number, 400, refusal.answer.body["code"], refusal.answer.body["msg"])
        plug.account, plug.wrap = account.name, _subscribed
        return _result(number, {"subscriptionId": 0})


def _subscribed(event: Any) -> dict[str, Any]:
    return {"subscriptionId": 0, "event": event}


def _result(number: Any, result: dict[str, Any]) -> dict[str, Any]:
    return {"id": number, "status": 200, "result": result, "rateLimits": []}


def _error(number: Any, status: int, code: int, message: str) -> dict[str, Any]:
    return {"id": number, "status": status, "error": {"code": code, "msg": message}, "rateLimits": []}
