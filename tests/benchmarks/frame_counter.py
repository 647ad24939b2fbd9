"""WebSocket clients that only count: a client library would be slower than the server that is measured."""

import asyncio
import base64
import os
from urllib.parse import urlsplit


class FrameCounter(asyncio.Protocol):
    """Shakes hands, sends one text frame, then counts the text frames that contain ``marker`` by their last number."""

    def __init__(self, path: str, host: str, hello: bytes, tally: "Tally") -> None:
        self.path, self.host, self.hello, self.tally = path, host, hello, tally
        self.buffer = b""
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Origin: http://{self.host}\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode(),
        )

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.open:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                raise ConnectionError(head.decode(errors="replace"))
            self.open, self.buffer = True, rest
            self._send(self.hello)
        self._frames()

    def _frames(self) -> None:
        buffer, at = self.buffer, 0
        while len(buffer) - at >= 2:
            size, start = buffer[at + 1] & 127, at + 2
            if size == 126:
                size, start = int.from_bytes(buffer[at + 2 : at + 4]), at + 4
            elif size == 127:
                size, start = int.from_bytes(buffer[at + 2 : at + 10]), at + 10
            if len(buffer) < start + size:
                break
            opcode = buffer[at] & 15
            if opcode == 1:
                self.tally.count(buffer[start : start + size])
            elif opcode == 9:
                self._send(buffer[start : start + size], opcode=10)
            at = start + size
        self.buffer = buffer[at:]

    def _send(self, payload: bytes, opcode: int = 1) -> None:
        if not payload and opcode == 1:
            return
        size = len(payload)
        head = bytes([128 | opcode]) + (bytes([128 | size]) if size < 126 else bytes([254]) + size.to_bytes(2))
        self.transport.write(head + b"\0\0\0\0" + payload)


class Tally:
    """Counts marked frames over all clients and wakes the publisher when enough have come."""

    def __init__(self, marker: bytes) -> None:
        self.marker = marker
        self.seen = 0
        self.waiting_for = 0
        self.reached = asyncio.Event()

    def count(self, frame: bytes) -> None:
        if self.marker in frame:
            self.seen += 1
            if self.seen >= self.waiting_for:
                self.reached.set()

    async def wait(self, number: int, seconds: float) -> None:
        self.waiting_for = number
        self.reached.clear()
        if self.seen < number:
            await asyncio.wait_for(self.reached.wait(), seconds)


async def connect(url: str, hello: bytes, tally: Tally) -> FrameCounter:
    """Open one counting client."""
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(
        lambda: FrameCounter(path, parts.netloc, hello, tally), parts.hostname, parts.port
    )
    return client
