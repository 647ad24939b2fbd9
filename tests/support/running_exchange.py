"""An exchange simulator as a real process on a free port, and the oracle that tells what it really did."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path
from typing import Any, Self

# For tests that ask faster than a real exchange allows.
UNMETERED = {"weight_limit": 10_000_000, "order_limit": 1_000_000}
ROOT = Path(__file__).resolve().parents[2]
SECRET = b64encode(b"a secret that only tests know, long enough").decode()


def test_account(name: str, **fields: Any) -> dict[str, Any]:
    """An account with its own key; its secret serves both dialects."""
    balances = {"USDT": "10000", "BTC": "1"}
    return {"name": name, "key": f"key-of-{name}", "secret": SECRET, "balances": balances, **fields}


test_account.__test__ = False  # type: ignore[attr-defined]  # no test, in spite of its name


class RunningExchange:
    """Starts ``python -m workers.exchange_simulator``. Prices stand still (``speed=0``) unless asked otherwise; a test
    moves them itself. ``folder`` keeps the accounts and the truth log, from which ``restart`` goes on.
    """

    def __init__(
        self,
        folder: Path,
        *,
        accounts: list[dict[str, Any]] | None = None,
        symbols: str = "BTC/USDT,ETH/USDT,SOL/USDT",
        prices: str = "generated",
        speed: float = 0.0,
        seed: int = 5,
        start: str = "2026-02-01T00:00:00+00:00",
        **options: Any,
    ) -> None:
        self.folder = folder
        self.accounts = {one["name"]: one for one in accounts or [test_account("one"), test_account("two")]}
        self.options: dict[str, Any] = {
            "symbols": symbols,
            "prices": prices,
            "speed": speed,
            "seed": seed,
            "start": start,
            **options,
        }
        self.port = self.control_port = 0
        self.process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def state(self) -> Path:
        return self.folder / "truth.jsonl"

    def start(self, seconds: float = 30) -> "RunningExchange":
        """Start it and wait until it says where it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        accounts = self.folder / "accounts.json"
        accounts.write_text(json.dumps(list(self.accounts.values())))
        given = {
            **self.options,
            "port": self.port,
            "control_port": self.control_port,
            "accounts": accounts,
            "state": self.state,
        }
        words = [
            word for name, value in given.items() if value != "" for word in (f"--{name.replace('_', '-')}", str(value))
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "workers.exchange_simulator", *words],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=(self.folder / "errors.txt").open("a"),
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self._read_ports(time.monotonic() + seconds)
        return self

    def stop(self) -> None:
        """Ctrl-C."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL: nothing is said, what was done stays in the truth log."""
        self._end(signal.SIGKILL)

    def restart(self) -> "RunningExchange":
        """Start again on the same ports, from its own truth log."""
        return self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def credentials(self, account: str = "one") -> dict[str, str]:
        """``apiKey`` and ``secret`` as ccxt names them."""
        return {"apiKey": self.accounts[account]["key"], "secret": self.accounts[account]["secret"]}

    def ccxt_urls(self, exchange: str = "binance") -> dict[str, Any]:
        """The ``urls.api`` values that point ccxt here."""
        socket = self.url.replace("http", "ws", 1)
        if exchange == "kraken":
            return {"public": self.url, "private": self.url, "ws": {"private": socket, "privateV2": f"{socket}/v2"}}
        return {
            "public": f"{self.url}/api/v3",
            "private": f"{self.url}/api/v3",
            "sapi": f"{self.url}/sapi/v1",
            "ws": {"spot": f"{socket}/stream", "ws-api": {"spot": f"{socket}/ws-api/v3"}},
        }

    def ccxt_options(self, exchange: str = "binance", account: str = "one", **more: Any) -> dict[str, Any]:
        """Everything a ccxt class is built with to trade here; nothing of it is changed but addresses and keys."""
        options: dict[str, Any] = {} if exchange == "kraken" else {"fetchMarkets": {"types": ["spot"]}}
        return {
            **self.credentials(account),
            "urls": {"api": self.ccxt_urls(exchange)},
            "options": options,
            **more,
        }

    def fault(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Arm a fault (or do it at once); what the simulator made of it."""
        told: dict[str, Any] = self.control("POST", "faults", {"kind": kind, **fields})
        return told

    def clear_faults(self) -> None:
        self.control("DELETE", "faults")

    def price(self, symbol: str, price: str | None = None, *, hold: bool = True) -> None:
        """Put a price (None lets it go); what rests is matched at once."""
        self.control("POST", "price", {"symbol": symbol, "hold": hold, **({} if price is None else {"price": price})})

    def advance(self, **by: Any) -> None:
        """Let market time pass: ``seconds``, ``bars`` or ``to_ms``."""
        self.control("POST", "advance", by)

    def truth(self, *kinds: str, since: int = 0) -> list[dict[str, Any]]:
        """The lines of the truth log, of these facts: request, order, fill, balance, list, fault, price, account."""
        lines: list[dict[str, Any]] = self.control("GET", f"truth?since={since}&fact={','.join(kinds)}")
        return lines

    def creates(self, client_order_id: str | None = None) -> list[dict[str, Any]]:
        """The create requests that arrived, of one client id or of all."""
        return [
            line
            for line in self.truth("request")
            if line["operation"] == "create"
            and client_order_id in {None, line["params"].get("newClientOrderId"), line["params"].get("cl_ord_id")}
        ]

    def books(self, account: str | None = None) -> dict[str, Any]:
        """Orders, fills and balances as they stand."""
        books: dict[str, Any] = self.control("GET", f"books?account={account}" if account else "books")
        return books

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One control request; raises with the simulator's sentence when it refuses."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.control_port}/control/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(error.read().decode()) from None

    def wait_for_stream(self, account: str, streams: int = 1, seconds: float = 15) -> None:
        """Poll the status until so many sockets are told of this account's orders."""
        deadline = time.monotonic() + seconds
        while self.control("GET", "status")["streams"].get(account, 0) < streams:
            assert time.monotonic() < deadline, f"{account} did not open {streams} streams in {seconds} s"
            time.sleep(0.05)

    def wait_for_truth(self, check: Any, *kinds: str, seconds: float = 10) -> list[dict[str, Any]]:
        """Poll the truth until ``check(lines)`` holds."""
        deadline = time.monotonic() + seconds
        while not check(lines := self.truth(*kinds)):
            if time.monotonic() > deadline:
                raise AssertionError(f"Waited {seconds} s; the truth is {lines[-5:]}")
            time.sleep(0.05)
        return lines

    def _read_ports(self, deadline: float) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        while time.monotonic() < deadline:
            line = self.process.stdout.readline()
            if line.startswith("listening on"):
                words = line.split()
                self.port, self.control_port = (int(words[place].rsplit(":", 1)[1]) for place in (2, 4))
                return
            if not line and self.process.poll() is not None:
                break
        raise AssertionError(f"The exchange did not start: {(self.folder / 'errors.txt').read_text()[-2000:]}")

    def _end(self, number: int) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
