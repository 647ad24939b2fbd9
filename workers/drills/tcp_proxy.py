"""A TCP proxy that breaks a connection the ways networks do: it passes, swallows, cuts, refuses or delays."""

import socket
import struct
import threading
from contextlib import suppress
from enum import StrEnum
from selectors import EVENT_READ, DefaultSelector
from types import TracebackType
from typing import Self

CHUNK = 64 * 1024
LOOK_SECONDS = 0.05
RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close() sends RST instead of FIN


class Weather(StrEnum):
    """What happens to bytes and to new connections."""

    THROUGH = "through"
    BLACKHOLE = "blackhole"  # connections stay open, nothing arrives: a pulled cable
    SWALLOW_ANSWERS = "swallow_answers"  # requests arrive, answers don't
    REFUSE = "refuse"  # open connections are reset, new ones too


class TcpProxy:
    """Listens on a free port of loopback and forwards to ``target``. One thread a connection; meant for drills.

    ``weather`` may be set at any time, also for connections that are open. ``delay`` seconds are added to each answer.
    Bytes swallowed in a black hole stay swallowed: the connection behind it is of no use afterwards, as in real life.
    """

    def __init__(self, target: tuple[str, int], *, port: int = 0) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.weather = Weather.THROUGH
        self.delay = 0.0
        self._closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, name=f"proxy-{self.port}", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def cut(self) -> int:
        """Reset every open connection once; how many there were. New ones are taken as the weather says."""
        with self._lock:
            found = list(self._open)
        for one in found:
            _reset(one)
        return len(found) // 2

    def close(self) -> None:
        """Stop listening and reset what is open."""
        self._closing.set()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            if self.weather is Weather.REFUSE:
                _reset(client)
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target, timeout=5)
        except OSError:
            _reset(client)
            return
        server.settimeout(None)
        pair = {client, server}
        with self._lock:
            self._open |= pair
        try:
            self._carry(client, server)
        except OSError:
            pass  # one side has gone; the other learns of it below
        finally:
            with self._lock:
                self._open -= pair
            for one in pair:
                _reset(one) if self.weather is Weather.REFUSE else one.close()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        with DefaultSelector() as selector:
            selector.register(client, EVENT_READ)
            selector.register(server, EVENT_READ)
            while not self._closing.is_set() and self.weather is not Weather.REFUSE:
                for key, _ in selector.select(LOOK_SECONDS):
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    data = source.recv(CHUNK)
                    if not data:
                        return
                    self._pass_on(data, answer=source is server, to=client if source is server else server)

    def _pass_on(self, data: bytes, *, answer: bool, to: socket.socket) -> None:
        if self.weather is Weather.BLACKHOLE or (answer and self.weather is Weather.SWALLOW_ANSWERS):
            return
        if answer and self.delay:
            self._closing.wait(self.delay)
        to.sendall(data)


def _reset(connection: socket.socket) -> None:
    with suppress(OSError):  # closed already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    connection.close()
