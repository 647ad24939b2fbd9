"""WebSockets: public streams, user streams by listen key, and the signed subscription of the WebSocket interface."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from workers.exchange_simulator.binance.dialect import BinanceDialect
from workers.exchange_simulator.binance.market_streams import Subscription, news, subscription
from workers.exchange_simulator.binance.signatures import check_socket_signature
from workers.exchange_simulator.binance.user_streams import messages
from workers.exchange_simulator.calls import Declined
from workers.exchange_simulator.engine.events import Event, OrderEvent
from workers.exchange_simulator.simulator import Simulator

_WAITING = 10_000  # frames for a slow client, who is cut off beyond that


@dataclass(slots=True, eq=False)
class Plug:
    """One socket: what it is subscribed to, and the frames that wait for it."""

    socket: web.WebSocketResponse
    combined: bool
    transport: asyncio.Transport | None
    account: str = ""
    user: str = ""  # how own events are wrapped: "" none, "key", "api"
    market: dict[str, Subscription] = field(default_factory=dict)
    frames: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(_WAITING))
    held: list[dict[str, Any]] = field(default_factory=list)  # events that a fault keeps back

    def send(self, message: Any) -> None:
        """Queue a frame; a client that does not read is cut off, as exchanges do."""
        if self.frames.full():
            self.cut()
        else:
            self.frames.put_nowait(orjson.dumps(message))

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def tell(self, event: dict[str, Any]) -> None:
        """An event of the own account, wrapped as this kind of socket has it."""
        self.send({"subscriptionId": 0, "event": event} if self.user == "api" else event)


class Sockets:
    """All open sockets. Listens to the engine; ``pulse`` sends what markets did."""

    def __init__(self, simulator: Simulator, binance: BinanceDialect) -> None:
        self.simulator, self.binance = simulator, binance
        self.plugs: set[Plug] = set()
        simulator.listeners.append(self._happened)

    async def serve(self, request: web.BaseRequest) -> web.WebSocketResponse:
        """One socket from handshake to close."""
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        plug = Plug(socket, request.path.startswith("/stream"), request.transport)
        self._subscribe_by_path(plug, request)
        self.plugs.add(plug)
        sending = asyncio.create_task(self._send(plug))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._asked(plug, message.data, api=request.path.startswith("/ws-api"))
        finally:
            self.plugs.discard(plug)
            sending.cancel()
        return socket

    def disconnect(self) -> int:
        """Cut every socket; how many there were."""
        cut = list(self.plugs)
        for plug in cut:
            plug.cut()
        return len(cut)

    def pulse(self) -> None:
        """Send the news of every subscribed market."""
        now_ms = self.simulator.now_ms()
        for plug in list(self.plugs):
            for one in plug.market.values():
                for message in news(one, self.binance.data, now_ms):
                    plug.send({"stream": one.name, "data": message} if plug.combined else message)

    async def _send(self, plug: Plug) -> None:
        while not plug.socket.closed:
            await plug.socket.send_str((await plug.frames.get()).decode())

    def _subscribe_by_path(self, plug: Plug, request: web.BaseRequest) -> None:
        names = request.rel_url.query.get("streams", "").split("/") + request.path.strip("/").split("/")[1:]
        for name in filter(None, names):
            self._subscribe(plug, name)

    def _subscribe(self, plug: Plug, name: str) -> bool:
        account = self.binance.keys.accounts.get(name)
        if account is not None:
            plug.account, plug.user = account, "key"
            return True
        found = subscription(name, self.binance.data)
        if found is not None:
            plug.market[name] = found
        return found is not None

    def _asked(self, plug: Plug, raw: str, *, api: bool) -> None:
        asked = orjson.loads(raw)
        number, method, params = asked.get("id"), asked.get("method"), asked.get("params") or []
        if api:
            plug.send(self._api(plug, number, method, params if isinstance(params, dict) else {}))
            return
        for name in params:
            if method == "SUBSCRIBE" and not self._subscribe(plug, name):
                plug.send({"error": {"code": 2, "msg": f"Invalid request: unknown stream {name}"}, "id": number})
                return
            if method == "UNSUBSCRIBE":
                plug.market.pop(name, None)
        plug.send({"result": list(plug.market) if method == "LIST_SUBSCRIPTIONS" else None, "id": number})

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
        plug.account, plug.user = account.name, "api"
        return _result(number, {"subscriptionId": 0})

    def _happened(self, events: list[Event]) -> None:
        if not any(plug.user for plug in self.plugs):
            return
        now_ms = self.simulator.now_ms()
        for event in events:
            account, told = messages(event, self.simulator.exchange, now_ms)
            hidden = event.order.visible_ms - now_ms if isinstance(event, OrderEvent) else 0
            for plug in [one for one in self.plugs if one.user and one.account == account]:
                for name, message in told:
                    if hidden > 0:
                        asyncio.get_running_loop().call_later(hidden / 1_000, plug.tell, message)
                    else:
                        self._tell(plug, name, message)

    def _tell(self, plug: Plug, name: str, message: dict[str, Any]) -> None:
        """Send one event as the faults of the stream let it through."""
        pair = message.get("s", "")
        struck = self.simulator.board.strike(
            "stream",
            symbol=self.binance.symbols.get(pair, ""),
            account=plug.account,
            now_ms=self.simulator.wall_ms(),
            event=name,
        )
        for fault in struck:
            told = {"change": "struck", "id": fault.id, "kind": fault.kind, "event": message}
            self.simulator.truth.add("fault", self.simulator.now_ms(), told)
        kinds = {fault.kind: fault for fault in struck}
        if "drop_event" in kinds:
            return
        if "reorder_events" in kinds:
            plug.held.append(message)
            return
        if "delay_event" in kinds:
            asyncio.get_running_loop().call_later(kinds["delay_event"].seconds, plug.tell, message)
            return
        for _ in range(2 if "duplicate_event" in kinds else 1):
            plug.tell(message)
        held, plug.held = plug.held, []
        for late in held:
            plug.tell(late)


def _result(number: Any, result: dict[str, Any]) -> dict[str, Any]:
    return {"id": number, "status": 200, "result": result, "rateLimits": []}


def _error(number: Any, status: int, code: int, message: str) -> dict[str, Any]:
    return {"id": number, "status": status, "error": {"code": code, "msg": message}, "rateLimits": []}
