"""One open socket, whoever's interface it speaks."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson
from aiohttp import web

from workers.exchange_simulator.engine.events import Event

_WAITING = 10_000  # frames for a slow client, who is cut off beyond that


def _bare(event: Any) -> Any:
    return event


@dataclass(slots=True, eq=False)
class Plug:
    """What a socket is subscribed to, and the frames that wait for it. ``wrap``: the form of an own event on it."""

    socket: web.WebSocketResponse
    path: str
    streams: str  # the names of streams in the address
    transport: asyncio.Transport | None
    account: str = ""  # whose orders it is told of, "" nobody's
    wrap: Callable[[Any], Any] = field(default=_bare)
    market: dict[str, Any] = field(default_factory=dict)
    frames: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(_WAITING))
    held: list[Any] = field(default_factory=list)  # events that a fault keeps back

    def send(self, message: Any) -> None:
        """Queue a frame; a client that does not read is cut off, as exchanges do."""
        if self.frames.full():
            self.cut()
        else:
            self.frames.put_nowait(orjson.dumps(message))

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def tell(self, event: Any) -> None:
        """An event of the own account, wrapped as this kind of socket has it."""
        self.send(self.wrap(event))


class SocketDialect(Protocol):
    """What an exchange's interface says over a socket."""

    def opened(self, plug: Plug) -> None:
        """A client connected; what its address names is subscribed."""

    def asked(self, plug: Plug, raw: str) -> None:
        """The client sent a text."""

    def news(self, plug: Plug, now_ms: int) -> list[Any]:
        """What the subscribed markets did."""

    def own(self, event: Event, now_ms: int) -> list[tuple[str, Any]]:
        """An event of the own account as messages, each with the name that faults know it by."""
