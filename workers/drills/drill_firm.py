"""A whole real firm for drills: ``manage.py up`` with VENUE=simulated in a folder of its own, behind proxies.

Between the firm and its exchange, its PostgreSQL and its Redis stands a TCP proxy each; the drill kills, freezes and
restarts the firm's programs by name.
"""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import psycopg

from apps.foundation.errors import NotReady
from apps.management.adapters.supervised_programs import SupervisorFolder
from apps.management.adapters.supervisor_control import SupervisorControl, control_socket
from workers.drills.tcp_proxy import TcpProxy, Weather

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "only of a firm that drills, gone with it"  # noqa: S105 - a throw-away firm on loopback
NOT_THEIRS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "HQ_SIMULATED_URL", "HQ_SIMULATED_CONTROL")
SUPERVISOR = "supervisord"  # as its record is called
INSTRUMENTS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
MUCH_HELD, DUST = 400, 15  # of the 1,000 that it starts with
_POSITIONS = "FROM trading_position JOIN trading_account a USING (portfolio_id) WHERE a.name = %s AND quantity > 0"
WIDE_LIMITS = {
    "max_orders_per_hour": 10_000,
    "max_open_orders": 1000,
    "max_unknown_orders": 100,
    "max_order_notional": "1000000",
    "max_position_share": "1",
    "max_gross_exposure": "1",
    "max_asset_share": "1",
    "max_correlated_share": "1",
    "max_daily_loss": "0.9",
    "max_drawdown": "0.9",
    "max_losses_in_row": 1000,
    "max_spread_bps": "1000",
}


class DrillFirm:
    """Implements ``Firm``. Its lines carry all that its programs say to the exchange, to PostgreSQL and to Redis.

    The drill itself asks past them: the control port of the exchange, and the servers' own ports. ``direct``: no
    proxies before the two servers, where speed is measured.
    """

    account = "simulated"

    def __init__(self, home: Path, *, direct: bool = False, **environment: str) -> None:
        self.home = home
        self.port, self._exchange_port, control = free_ports(3)
        self.exchange_line = TcpProxy(self.exchange_at)
        self.database_line = TcpProxy(self.database_at)
        self.redis_line = TcpProxy(lambda: ("127.0.0.1", self._kept()["redis_port"]))
        self.exchange_address = f"http://127.0.0.1:{self._exchange_port}"
        self.control_address = f"http://127.0.0.1:{control}/control"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in NOT_THEIRS},
            "DJANGO_SETTINGS_MODULE": "tradinghq.settings",
            "HQ_HOME": str(home),
            "HQ_PORT": str(self.port),
            "HQ_ADMIN_PASSWORD": PASSWORD,
            "VENUE": "simulated",
            "MARKET": "simulated",
            "SPEED": "6",
            "HQ_SIMULATED_URL": self.exchange_address,
            "HQ_SIMULATED_CONTROL": f"http://127.0.0.1:{control}",
            "HQ_CCXT_URLS": json.dumps({"simulated": _ccxt_urls(self.exchange_line.port)}),
            "HQ_PGP_PASSPHRASE": secrets.token_urlsafe(24),
            **({} if direct else self._by_lines()),
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._control = SupervisorControl(control_socket(home))
        self._token, self._token_until = "", 0.0

    def start(self, seconds: float = 240, *, agents: bool = False) -> "DrillFirm":
        """Start it, wait until orders can be sent, and widen its limits. Unless ``agents`` are wanted, they are
        stopped, so that only drills trade.
        """
        self.launch(seconds)
        self.wait(self._account_checked, seconds, "the executor to open the keys")
        self.call("PATCH", "trading/risk/limits/", {"reason": "drills", **WIDE_LIMITS})
        for agent in [] if agents else self.get("agents/")["results"]:
            self.call("POST", f"agents/{agent['id']}/stop/", {"reason": "drills"})
        return self

    def launch(self, seconds: float = 240) -> None:
        """``manage.py up``, until the web answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._token_until = 0.0  # sessions may have ended meanwhile
        with (self.home / "console.txt").open("ab") as console:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, str(ROOT / "manage.py"), "up"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        self.wait(self._answers, seconds, "the web to answer")

    def stop(self, seconds: float = 90) -> None:
        """Ctrl-C; what does not end in time is killed by its record."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._end_all()
        self.process = None

    def end_abruptly(self, *, spare: Collection[str] = ()) -> None:
        """SIGKILL to its watch, its supervisor and all its programs but those named, as if the machine had gone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        records = SupervisorFolder(self.home).records
        for name in sorted((file.stem for file in records.glob("*.json")), key=lambda each: each != SUPERVISOR):
            if name not in spare:
                self._kill_recorded(records / f"{name}.json", family=name != SUPERVISOR)
        self.process = None

    def close(self) -> None:
        """Stop it for good."""
        self.stop()
        for line in self.lines.values():
            line.close()

    @property
    def lines(self) -> dict[str, TcpProxy]:
        """The three proxies by name."""
        return {"exchange": self.exchange_line, "database": self.database_line, "redis": self.redis_line}

    def exchange_at(self) -> tuple[str, int]:
        """Where its exchange listens, past the line."""
        return "127.0.0.1", self._exchange_port

    def database_at(self) -> tuple[str, int]:
        """Where its PostgreSQL listens, past the line; raises ``OSError`` before its first start."""
        return "127.0.0.1", int(self._kept()["postgres_port"])

    def manage(self, *words: str, seconds: float = 180) -> str:
        """A command as a person types it beside the firm; what it said. Raises ``OSError`` when it fails."""
        command = [sys.executable, str(ROOT / "manage.py"), *words]
        try:
            done = subprocess.run(  # noqa: S603 - our own command
                command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise OSError(f"manage.py {' '.join(words)} did not end within {seconds:.0f} s.") from error
        if done.returncode != 0:
            raise OSError(f"manage.py {' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    # What Firm asks for

    def instruments(self) -> tuple[str, ...]:
        return INSTRUMENTS

    def make_room(self) -> None:
        """Sell what earlier drills bought, once it takes up much of the money."""
        if self._held() > MUCH_HELD:
            self.sell_all()

    def place(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        status, answer = self.call("POST", "trading/orders/", dict(wish))
        if status != 201:  # noqa: PLR2004 - created
            raise OSError(f"The order was answered {status}: {answer}")
        return dict(answer)

    def cancel(self, order_id: str) -> None:
        status, answer = self.call("POST", f"trading/orders/{order_id}/cancel/", {"reason": "drill"})
        if status != 200:  # noqa: PLR2004 - ok
            raise OSError(f"The cancel was answered {status}: {answer}")

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database(), connect_timeout=5) as link:
            return link.execute(query.encode(), values or None).fetchall()

    def write(self, query: str, *values: Any, owner: bool = False) -> int:
        """Change the database past the firm, as a drill of its own; how many rows."""
        writable = "-c default_transaction_read_only=off"
        with psycopg.connect(self.database(owner=owner), connect_timeout=5, autocommit=True, options=writable) as link:
            return link.execute(query.encode(), values or None).rowcount

    def exchange(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return _http(method, f"{self.control_address}/{path}", body)[1]

    def kill(self, name: str) -> int:
        pid: int = self.wait(lambda: self.running(name), 120, f"{name} to run before it is killed")
        os.kill(pid, signal.SIGKILL)
        return pid

    def running(self, name: str) -> int | None:
        try:
            found = next(one for one in self._control.processes() if one["name"].startswith(name))
        except (NotReady, StopIteration):
            return None
        return int(found["pid"]) if found["statename"] == "RUNNING" else None

    # What only a firm of its own allows

    def sell_all(self) -> None:
        """Close every position and wait until no more than dust is left."""
        for (symbol,) in self.rows(f"SELECT symbol {_POSITIONS}", self.account):
            path = f"trading/positions/{symbol.replace('/', '-')}/close/"
            self.call("POST", path, {"account": self.account, "reason": "Room for the next drill."})
        self.wait(lambda: self._held() < DUST, 90, "positions to be sold")

    def programs(self, name: str) -> list[str]:
        """The programs that run now and whose names start so."""
        found = self._control.processes()
        return [one["name"] for one in found if one["name"].startswith(name) and one["statename"] == "RUNNING"]

    def secrets(self) -> dict[str, str]:
        """What must stand in no log and no record, by what it is."""
        kept = {name: str(self._kept()[name]) for name in ("redis_password", "app_password", "owner_password")}
        keys = self.home / "simulated" / "accounts.json"
        secret = {"exchange secret": json.loads(keys.read_text())[0]["secret"]} if keys.is_file() else {}
        return {**kept, **secret, "passphrase": self.environment["HQ_PGP_PASSPHRASE"]}

    @contextmanager
    def frozen(self, name: str) -> Iterator[int]:
        """SIGSTOP now, SIGCONT at the end: the program stands still with all it has open."""
        pid: int = self.wait(lambda: self.running(name), 120, f"{name} to run before it is frozen")
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for one in family:
            one.suspend()
        try:
            yield pid
        finally:
            for one in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.resume()

    @contextmanager
    def storm(self, line: str, weather: Weather) -> Iterator[TcpProxy]:
        """Bad weather on one line until the end; what was half open then is reset."""
        found = self.lines[line]
        found.weather = weather
        try:
            yield found
        finally:
            found.clear()

    def not_ready(self) -> str:
        """What ``/readyz`` says is missing; empty when all is there."""
        status, answer = _http("GET", f"http://127.0.0.1:{self.port}/readyz", refusals=True)
        return "" if status == 200 else ", ".join(answer["not_ready"])  # noqa: PLR2004 - ok

    def program(self, method: str, name: str) -> Any:
        """``startProcess`` or ``stopProcess`` of a program, by the supervisor."""
        found = next(one for one in self._control.processes() if one["name"].startswith(name))
        return self._control.call(method, f"{found['group']}:{found['name']}", True)

    def database(self, *, owner: bool = False) -> str:
        """The address of its PostgreSQL."""
        kept = self._kept()
        role = ("hq_owner", kept["owner_password"]) if owner else ("hq_app", kept["app_password"])
        return f"postgresql://{role[0]}:{role[1]}@127.0.0.1:{kept['postgres_port']}/tradinghq"

    def redis(self) -> str:
        """The address of its Redis."""
        kept = self._kept()
        return f"redis://:{kept['redis_password']}@127.0.0.1:{kept['redis_port']}/0"

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """One authenticated REST request; a refusal is returned, not raised."""
        headers = {"Authorization": f"Bearer {self._bearer()}"}
        return _http(method, f"http://127.0.0.1:{self.port}/api/v1/{path}", body, headers, refusals=True)

    def get(self, path: str) -> Any:
        status, answer = self.call("GET", path)
        if status != 200:  # noqa: PLR2004 - ok
            raise OSError(f"GET {path} answered {status}: {answer}")
        return answer

    def wait(self, question: Callable[[], Any], seconds: float, what: str) -> Any:
        """Ask until the answer is truthy."""
        deadline = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < deadline:
            try:
                last = question()
            except (OSError, psycopg.OperationalError) as error:
                last = error
            else:
                if last:
                    return last
            time.sleep(0.2)
        console = (self.home / "console.txt").read_text()[-1500:]
        raise TimeoutError(f"Waited {seconds:.0f} s for {what}; last: {last!r}\n{console}")

    def _held(self) -> Decimal:
        """What its positions cost together."""
        return Decimal(self.rows(f"SELECT coalesce(sum(cost), 0) {_POSITIONS}", self.account)[0][0])

    def _kept(self) -> dict[str, Any]:
        """Where the servers of the firm listen; raises ``OSError`` before its first start."""
        return dict(json.loads((self.home / "embedded" / "servers.json").read_text()))

    def _by_lines(self) -> dict[str, str]:
        return {"HQ_POSTGRES_VIA": str(self.database_line.port), "HQ_REDIS_VIA": str(self.redis_line.port)}

    def _account_checked(self) -> bool:
        return any(
            row["name"] == self.account and row["checked_at"] is not None
            for row in self.get("trading/accounts/")["results"]
        )

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            console = (self.home / "console.txt").read_text()[-3000:]
            raise ChildProcessError(f"`up` ended with {self.process.returncode}:\n{console}")
        return _http("GET", f"http://127.0.0.1:{self.port}/healthz")[0] == 200  # noqa: PLR2004 - ok

    def sign_in(self) -> None:
        """Take a new token, before a time in which none can be had."""
        self._token_until = 0.0
        self._bearer()

    def _bearer(self) -> str:
        if time.monotonic() > self._token_until:
            wanted = {"username": "admin", "password": PASSWORD}
            self._token = _http("POST", f"http://127.0.0.1:{self.port}/api/v1/auth/token/", wanted)[1]["access"]
            self._token_until = time.monotonic() + 200
        return self._token

    def _end_all(self) -> None:
        for record in SupervisorFolder(self.home).records.glob("*.json"):
            self._kill_recorded(record, family=True)

    def _kill_recorded(self, record: Path, *, family: bool) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            found = psutil.Process(int(json.loads(record.read_text())["pid"]))
            for one in [found, *(found.children(recursive=True) if family else ())]:
                one.kill()


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _ccxt_urls(port: int) -> dict[str, Any]:
    rest, stream = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    return {
        "public": f"{rest}/api/v3",
        "private": f"{rest}/api/v3",
        "v1": f"{rest}/api/v1",
        "sapi": f"{rest}/sapi/v1",
        "sapiV2": f"{rest}/sapi/v2",
        "sapiV3": f"{rest}/sapi/v3",
        "ws": {"spot": f"{stream}/stream", "ws-api": {"spot": f"{stream}/ws-api/v3"}},
    }


def _http(
    method: str,
    url: str,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    refusals: bool = False,
) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers or {}))  # noqa: S310 - loopback
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            raw = answer.read()
            return answer.status, json.loads(raw) if raw.startswith((b"{", b"[")) else raw.decode()
    except urllib.error.HTTPError as error:
        raw = error.read()
        if not refusals:
            raise OSError(f"{method} {url} answered {error.code}: {raw.decode()[:500]}") from error
        return error.code, json.loads(raw) if raw.startswith((b"{", b"[")) else raw.decode()
