"""An HTTP server that answers each request of an exchange's interface as a test wrote it, and remembers what was asked.

For what a test wants to say word by word: error codes, pages instead of data, cut connections. Orders live in the
exchange simulator, not here.
"""

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from apps.foundation.clock import wall_now

PAYLOADS = Path(__file__).parent / "recorded_payloads"
CUT, HANG = "cut", "hang"


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


@dataclass
class ScriptedExchange:
    """``answers``: by ``"POST /api/v3/order"``, one taken a request, the last one stays.

    An answer is JSON (status 200), ``(status, body)``, ``(status, body, headers)``, ``CUT`` (the connection ends
    unanswered) or ``HANG``.
    """

    answers: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    clock_ahead_ms: int = 0

    def __post_init__(self) -> None:
        self.answers["GET /api/v3/exchangeInfo"] = [payload("binance_exchange_info")]
        self.answers["GET /0/public/Assets"] = [payload("kraken_assets")]
        self.answers["GET /0/public/AssetPairs"] = [payload("kraken_asset_pairs")]
        self.released = threading.Event()

    def count(self, request: str) -> int:
        return sum(asked == request for asked, _ in self.asked)

    def last(self, request: str) -> dict[str, str]:
        return next(given for asked, given in reversed(self.asked) if asked == request)

    def answer(self, request: str) -> Any:
        milliseconds = int(wall_now().timestamp() * 1000) + self.clock_ahead_ms
        if request == "GET /api/v3/time":
            return {"serverTime": milliseconds}
        if request == "GET /0/public/Time":
            return {"error": [], "result": {"unixtime": milliseconds // 1000, "rfc1123": ""}}
        script = self.answers[request]
        if not script:
            return 404, f"The test says nothing about {request}."
        return script.pop(0) if len(script) > 1 else script[0]

    @contextmanager
    def serving(self) -> Iterator[str]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            self.released.set()
            server.shutdown()
            server.server_close()
            thread.join()


def ccxt_urls(address: str, exchange: str) -> dict[str, str]:
    if exchange == "kraken":
        return {"public": address, "private": address}
    return {"public": f"{address}/api/v3", "private": f"{address}/api/v3", "sapi": f"{address}/sapi/v1"}


def _handler(world: ScriptedExchange) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            request = f"{self.command} {parts.path}"
            world.asked.append((request, dict(parse_qsl(parts.query) + parse_qsl(body))))
            self._send(world.answer(request))

        do_GET = do_POST = do_DELETE = do_PUT = _serve  # noqa: N815 - the server's names

        def _send(self, answer: Any) -> None:
            if answer == HANG:
                world.released.wait(30)
            if answer in (CUT, HANG):
                self.close_connection = True
                return
            status, said, headers = (*answer, {})[:3] if isinstance(answer, tuple) else (200, answer, {})
            data = said.encode() if isinstance(said, str) else json.dumps(said).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": len(data), **headers}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
