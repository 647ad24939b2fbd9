"""A TCP proxy that breaks a connection the ways networks do: it passes, swallows, cuts, refuses or delays."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from types import TracebackType
from typing import Self

CHUNK = 64 * 1024
RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close() sends RST instead of FIN
Address = tuple[str, int] | Path  # a path is a unix socket


class Weather(StrEnum):
    """What happens to bytes and to new connections."""

    THROUGH = "through"
    BLACKHOLE = "blackhole"  # connections stay open, nothing arrives: a pulled cable
    SWALLOW_ANSWERS = "swallow_answers"  # requests arrive, answers don't
    REFUSE = "refuse"  # open connections are reset, new ones too


class TcpProxy:
    """Listens on a free port of loopback and forwards to ``target``. One thread a connection; meant for drills.

    ``target`` may be a question, asked for each connection, where the server's port is not known yet. ``weather`` may
    be set at any time, also for connections that are open. ``delay`` seconds are added to each answer.
    Bytes ``swallowed`` in a black hole stay swallowed: that connection is of no use afterwards, as in real life.
    ``overheard`` is told what passes on its way to the target, before it leaves.
    """

    def __init__(self, target: Address | Callable[[], Address], *, port: int = 0) -> None:
        self._target: Callable[[], Address] = target if callable(target) else lambda: target
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.delay = 0.0
        self.swallowed = 0
        self.overheard: Callable[[bytes], None] = lambda _: None
        self._weather = Weather.THROUGH
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

    @property
    def weather(self) -> Weather:
        return self._weather

    @weather.setter
    def weather(self, weather: Weather) -> None:
        self._weather = weather
        if weather is Weather.REFUSE:
            self.cut()

    def clear(self) -> None:
        """Fair weather again; what a storm left half open is reset, so that nobody waits for bytes that were lost."""
        stormy, self.weather, self.delay = self._weather is not Weather.THROUGH, Weather.THROUGH, 0.0
        if stormy:
            self.cut()

    def cut(self) -> int:
        """Reset every open connection once; how many there were. New ones are taken as the weather says."""
        with self._lock:
            found, self._open = self._open, set()
        for one in found:  # all before any is woken: its thread then closes both ends
            with suppress(OSError):  # closed already
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        for one in found:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RD)  # wakes the thread that serves it, and tells the other side nothing
        return len(found) // 2

    def close(self) -> None:
        """Stop listening and reset what is open."""
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
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
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = _connect(self._target())
        except OSError:
            _reset(client)
            return
        pair = {client, server}
        with self._lock:
            self._open |= pair
        if self.weather is Weather.REFUSE or self._closing.is_set():
            self.cut()  # it changed between the accept and now
        try:
            self._carry(client, server)
        except OSError:
            pass  # one side has gone; the other learns of it below
        finally:
            with self._lock:
                self._open -= pair
            for one in pair:
                one.close()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        with DefaultSelector() as selector:
            selector.register(client, EVENT_READ)
            selector.register(server, EVENT_READ)
            while True:
                for key, _ in selector.select():
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    data = source.recv(CHUNK)
                    if not data or source not in self._open:  # what comes after a cut is still read, and lost
                        return
                    self._pass_on(data, answer=source is server, to=client if source is server else server)

    def _pass_on(self, data: bytes, *, answer: bool, to: socket.socket) -> None:
        if self.weather is Weather.BLACKHOLE or (answer and self.weather is Weather.SWALLOW_ANSWERS):
            self.swallowed += len(data)
            return
        if answer and self.delay:
            self._closing.wait(self.delay)
        if not answer:
            self.overheard(data)
        to.sendall(data)


def _connect(target: Address) -> socket.socket:
    if isinstance(target, Path):
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(target))
        return server
    server = socket.create_connection(target, timeout=5)
    server.settimeout(None)
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return server


def _reset(connection: socket.socket) -> None:
    with suppress(OSError):  # closed already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    connection.close()
