"""The exchange simulator of ``VENUE=simulated``: its addresses, its keys, its account, its program.

All it needs lies in ``HQ_HOME/simulated``, private to its owner. Started as a program it reads where the house's market
is and becomes the simulator there; its market moves only as the house leads it.
"""

import base64
import json
import os
import secrets
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from apps.foundation.private_files import write_private

FOLDER = "simulated"
ACCOUNT = "simulated"
# A lock-step market compresses hours into seconds, so that the real limits would bite.
ORDER_LIMIT = "10000"
WEIGHT_LIMIT = "120000"


@dataclass(frozen=True, slots=True)
class HouseExchange:
    """Where the simulator of this home listens; ``control`` stays open while a fault closes ``port``."""

    folder: Path
    port: int
    control: int

    @property
    def environment(self) -> dict[str, str]:
        """What the house's programs must know to reach it."""
        return {
            "HQ_SIMULATED_URL": f"http://127.0.0.1:{self.port}",
            "HQ_SIMULATED_CONTROL": f"http://127.0.0.1:{self.control}",
        }

    @property
    def accounts(self) -> Path:
        return self.folder / "accounts.json"


def house_exchange(home: Path) -> HouseExchange:
    """The simulator of this home; its ports are chosen once and kept while they are free."""
    folder = home / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = folder / "ports.json"
    ports = json.loads(kept.read_text()) if kept.is_file() else []
    if len(ports) != 2 or not all(_free(port) for port in ports):  # noqa: PLR2004 - the interface and its control
        ports = _two_free_ports()
        write_private(kept, json.dumps(ports))
    return HouseExchange(folder, ports[0], ports[1])


def ensure_account_file(home: Path, *, capital: str) -> dict[str, str]:
    """The keys of the house's account there, made at random when there are none yet: ``key`` and ``secret``."""
    folder = home / FOLDER
    accounts = folder / "accounts.json"
    if not accounts.is_file():
        made = {
            "name": ACCOUNT,
            "key": secrets.token_hex(24),
            "secret": base64.b64encode(secrets.token_bytes(48)).decode(),
            "balances": {"USDT": capital},
        }
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(accounts, json.dumps([made]))
    passphrase = folder / "passphrase"
    if not passphrase.is_file():
        write_private(passphrase, secrets.token_urlsafe(24))
    found = json.loads(accounts.read_text())[0]
    return {"key": found["key"], "secret": found["secret"]}


def set_aside(home: Path, word: str) -> None:
    """Set the simulator's books aside with the house's: an exchange that remembers other orders would be no match."""
    state = home / FOLDER / "state.jsonl"
    if state.is_file():
        state.rename(state.with_name(f"state-until-{word}.jsonl"))


def can_seal() -> bool:
    """Whether the keys can lie sealed; without GnuPG those of the simulator, which guard no money, lie open."""
    return shutil.which("gpg") is not None


def main() -> None:
    """Become the simulator, at the bar where the house's market is."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradinghq.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    from apps.market.queries import market_clock

    clock = market_clock()
    connection.close()
    exchange = HouseExchange(
        settings.HQ_HOME / FOLDER,
        int(settings.HQ_SIMULATED_URL.rsplit(":", 1)[1]),
        int(settings.HQ_SIMULATED_CONTROL.rsplit(":", 1)[1]),
    )
    prices = "recorded" if settings.MARKET == "recorded" else "generated"
    arguments = {
        "port": str(exchange.port),
        "control-port": str(exchange.control),
        "prices": prices,
        "symbols": ",".join(symbol for symbol in settings.INSTRUMENTS if symbol.endswith("/USDT")),
        "seed": str(settings.SIMULATED_SEED),
        "speed": "0",
        "order-limit": ORDER_LIMIT,
        "weight-limit": WEIGHT_LIMIT,
        "accounts": str(exchange.accounts),
        "state": str(exchange.folder / "state.jsonl"),
    }
    if clock.bar_at is not None:
        arguments["start"] = clock.bar_at.isoformat()
    words = [f"--{name}={value}" for name, value in arguments.items()]
    os.execv(sys.executable, [sys.executable, "-m", "workers.exchange_simulator", *words])  # noqa: S606 - no shell


def _two_free_ports() -> list[int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return [one.getsockname()[1], other.getsockname()[1]]


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    main()
