"""All open WebSockets: who is told what, and how the faults of streams bend it."""

import asyncio
from typing import Any

from aiohttp import WSMsgType, web

from workers.exchange_simulator.engine.events import Event, OrderEvent, account_of, symbol_of
from workers.exchange_simulator.plugs import Plug, SocketDialect
from workers.exchange_simulator.simulator import Simulator


class Sockets:
    """``dialects`` by path prefix, longest first. Listens to the engine; ``pulse`` sends what markets did."""

    def __init__(self, simulator: Simulator, dialects: list[tuple[str, SocketDialect]]) -> None:
        self.simulator, self.dialects = simulator, dialects
        self.plugs: dict[Plug, SocketDialect] = {}
        simulator.listeners.append(self._happened)

    async def serve(self, request: web.BaseRequest) -> web.WebSocketResponse:
        """One socket from handshake to close."""
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        plug = Plug(socket, request.path, request.rel_url.query.get("streams", ""), request.transport)
        dialect = next(dialect for prefix, dialect in self.dialects if request.path.startswith(prefix))
        dialect.opened(plug)
        self.plugs[plug] = dialect
        sending = asyncio.create_task(self._send(plug))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    dialect.asked(plug, message.data)
        finally:
            self.plugs.pop(plug, None)
            sending.cancel()
        return socket

    def disconnect(self) -> int:
        """Cut every socket; how many there were."""
        cut = list(self.plugs)
        for plug in cut:
            plug.cut()
        return len(cut)

    def listening(self) -> dict[str, int]:
        """How many open sockets are told of each account's orders."""
        names = [plug.account for plug in self.plugs if plug.account]
        return {name: names.count(name) for name in sorted(set(names))}

    def pulse(self) -> None:
        """Send the news of every subscribed market."""
        now_ms = self.simulator.now_ms()
        for plug, dialect in list(self.plugs.items()):
            for message in dialect.news(plug, now_ms):
                plug.send(message)

    async def _send(self, plug: Plug) -> None:
        while not plug.socket.closed:
            await plug.socket.send_str((await plug.frames.get()).decode())

    def _happened(self, events: list[Event]) -> None:
        listening = [(plug, dialect) for plug, dialect in self.plugs.items() if plug.account]
        now_ms = self.simulator.now_ms()
        for event in events if listening else ():
            account, symbol = account_of(event), symbol_of(event)
            hidden = event.order.visible_ms - now_ms if isinstance(event, OrderEvent) else 0
            for plug, dialect in listening:
                if plug.account != account:
                    continue
                for name, message in dialect.own(event, now_ms):
                    if hidden > 0:
                        asyncio.get_running_loop().call_later(hidden / 1_000, plug.tell, message)
                    else:
                        self._tell(plug, name, symbol, message)

    def _tell(self, plug: Plug, name: str, symbol: str, message: Any) -> None:
        """Send one event as the faults of the stream let it through."""
        struck = self.simulator.board.strike(
            "stream", symbol=symbol, account=plug.account, now_ms=self.simulator.wall_ms(), event=name
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
