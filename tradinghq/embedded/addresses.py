"""Where the embedded servers listen and how to log in: one file in ``HQ_HOME``, mode 0600, made at the first start.

The settings read it, so that every command a person types beside a running house reaches the same database.
"""

import json
import secrets
import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from apps.foundation.private_files import write_private

FOLDER = "embedded"
FILE = "servers.json"
DATABASE = "tradinghq"
OWNER_ROLE = "hq_owner"
APP_ROLE = "hq_app"


@dataclass(frozen=True, slots=True)
class EmbeddedServers:
    """Ports on loopback and random passwords; ``gateway`` is where containers find Redis, empty without any."""

    postgres_port: int
    redis_port: int
    owner_password: str
    app_password: str
    redis_password: str
    gateway: str = ""

    def reached_by(self, *, postgres: int, redis: int) -> "EmbeddedServers":
        """The same servers as somebody sees them who reaches them by other ports; 0 is their own."""
        return replace(self, postgres_port=postgres or self.postgres_port, redis_port=redis or self.redis_port)

    def database_url(self, *, owner: bool = False) -> str:
        """The database as the app (no changes to ledger and audit) or as its owner (migrations)."""
        role, password = (OWNER_ROLE, self.owner_password) if owner else (APP_ROLE, self.app_password)
        return f"postgresql://{role}:{password}@127.0.0.1:{self.postgres_port}/{DATABASE}"

    def redis_url(self) -> str:
        """Redis database 0 with its password."""
        return f"redis://:{self.redis_password}@127.0.0.1:{self.redis_port}/0"

    def redis_url_in_containers(self) -> str:
        """The same server as a container sees it, without a user."""
        return f"redis://{self.gateway}:{self.redis_port}/0"


def folder(home: Path) -> Path:
    """The embedded servers' part of ``HQ_HOME``."""
    return home / FOLDER


def stored_servers(home: Path) -> EmbeddedServers | None:
    """What an earlier start wrote, or None before the first one."""
    path = folder(home) / FILE
    if not path.is_file():
        return None
    return EmbeddedServers(**json.loads(path.read_text()))


def ensure_servers(home: Path, *, gateway: str = "") -> tuple[EmbeddedServers, bool]:
    """The stored addresses with ports that are free now, and whether they had to be written.

    Call it while neither server runs: a port that something else took meanwhile is exchanged.
    """
    stored = stored_servers(home)
    servers = stored or EmbeddedServers(0, 0, *(secrets.token_urlsafe(24) for _ in range(3)))
    servers = replace(servers, gateway=gateway)
    if not _is_free(servers.postgres_port):
        servers = replace(servers, postgres_port=free_port())
    if not _is_free(servers.redis_port):
        servers = replace(servers, redis_port=free_port())
    if servers != stored:
        folder(home).mkdir(parents=True, exist_ok=True)
        write_private(folder(home) / FILE, json.dumps(asdict(servers), indent=1))
    return servers, servers != stored


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    if port == 0:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
