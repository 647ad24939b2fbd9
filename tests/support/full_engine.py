"""A Docker engine whose disk is full, as far as a runtime sees it: it answers every question and can create nothing."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

WORDS = "mkdir /var/lib/docker/overlay2/4d1c: no space left on device"
ANSWERS = {
    "version": {"ApiVersion": "1.41"},
    "info": {"MemTotal": 2**40, "NCPU": 64},
    "containers/json": [],
    "create": {"message": WORDS},
}


@contextmanager
def full_engine(socket: Path) -> Iterator[list[str]]:
    """Listen on ``socket``; what is asked, path by path."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            known = [answer for name, answer in ANSWERS.items() if self.path.partition("?")[0].endswith(name)]
            self._answer(200, known[0] if known else {"Id": "sha256:1"})

        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(500, ANSWERS["create"])

        def _answer(self, status: int, body: object) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def address_string(self) -> str:
            return "a test"

        def log_message(self, *_: object) -> None:
            """The tests read ``asked``."""

    with socketserver.ThreadingUnixStreamServer(str(socket), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield asked
        finally:
            server.shutdown()
