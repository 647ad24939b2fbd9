"""A whole firm in a folder of its own: the real ``manage.py up`` with every real process, as a person starts it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a long test password"


class RunningFirm:
    """Starts, asks and ends one firm. Every wait has a deadline and says what it waited for."""

    def __init__(self, home: Path, *, port: int | None = None, **environment: str) -> None:
        self.home = home
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"}},
            "HQ_HOME": str(home),
            "HQ_PORT": str(self.port),
            "HQ_ADMIN_PASSWORD": PASSWORD,
            "MARKET": "simulated",
            "DJANGO_SETTINGS_MODULE": "tradinghq.settings",
            **environment,
        }
        self.process: subprocess.Popen[str] | None = None
        self._token = ""
        self._token_until = 0.0

    def start(self, seconds: float = 120) -> "RunningFirm":
        """Run ``manage.py up`` and wait until the web answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.output = (self.home / "console.txt").open("a+")
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=self.environment,
            stdout=self.output,
            stderr=self.output,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.wait_for(self._alive, seconds, "the web process to answer /healthz")
        return self

    def stop(self, seconds: float = 60) -> int:
        """Ctrl-C; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(seconds)
        self.output.close()
        return status

    def console(self) -> str:
        return (self.home / "console.txt").read_text()

    def _alive(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"`up` ended with {self.process.returncode}:\n{self.console()[-4000:]}")
        with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
            return answer.status == 200

    def wait_for(self, check: Callable[[], Any], seconds: float, what: str, *, pause: float = 0.2) -> Any:
        """Poll ``check`` until it is truthy; connection errors count as not yet."""
        deadline = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < deadline:
            try:
                last = check()
            except (OSError, urllib.error.URLError, json.JSONDecodeError) as error:
                last = error
            else:
                if last:
                    return last
            time.sleep(pause)
        raise AssertionError(f"Waited {seconds} s for {what}; last seen: {last!r}\n{self.console()[-3000:]}")

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> tuple[int, Any]:
        """One authenticated request; the status and the parsed answer. A refusal is returned, not raised."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", data=data, method=method)
        request.add_header("Authorization", f"Bearer {self.token()}")
        request.add_header("Content-Type", "application/json")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, _parsed(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _parsed(error.read())

    def get(self, path: str) -> Any:
        """GET that must succeed."""
        status, answer = self.call("GET", path)
        if status != 200:
            raise OSError(f"GET {path} answered {status}: {answer}")
        return answer

    @property
    def password(self) -> str:
        """The admin's: the one that was set, else the one that the first start made and keeps in a file."""
        kept = self.home / "first-login.txt"
        return self.environment["HQ_ADMIN_PASSWORD"] or kept.read_text().split("password: ")[1].strip()

    def token(self) -> str:
        if time.monotonic() > self._token_until:
            data = json.dumps({"username": "admin", "password": self.password}).encode()
            request = urllib.request.Request(f"{self.url}/api/v1/auth/token/", data=data, method="POST")
            request.add_header("Content-Type", "application/json")
            with urllib.request.urlopen(request, timeout=20) as answer:
                self._token = json.load(answer)["access"]
            self._token_until = time.monotonic() + 200
        return self._token

    def manage(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """A management command against this firm, as a person types it in another terminal."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )


def _parsed(raw: bytes) -> Any:
    return json.loads(raw) if raw else None


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
