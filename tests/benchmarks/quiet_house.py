"""A house without processes: durable embedded servers, the migrated database and a staged market, for one part alone.

Nothing else runs on them, so what is measured is the part and the machine's own noise.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tradinghq.embedded import postgres_server, redis_server
from tradinghq.embedded.addresses import OWNER_ROLE, EmbeddedServers, ensure_servers
from tradinghq.embedded.unprivileged import command_prefix

START_SECONDS = 60.0
CONNECTIONS = 80


@contextmanager
def quiet_house() -> Iterator[None]:
    """Start the servers, point this process at them, migrate; end and forget them afterwards."""
    with tempfile.TemporaryDirectory(prefix="hq-bench-quiet-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        servers, _ = ensure_servers(home)
        postgres_server.create_cluster(home, servers)
        _let_owner_load_history(home)
        running = [
            _start(postgres_server.command(home, servers, connections=CONNECTIONS), home / "postgres.log"),
            _start(redis_server.command(home, servers, databases=4), home / "redis.log"),
        ]
        try:
            _until(lambda: postgres_server.is_ready(servers) and redis_server.is_ready(servers), home)
            _join(home, servers)
            yield
        finally:
            for server in running:
                server.send_signal(signal.SIGINT)  # PostgreSQL would wait for every session at SIGTERM
            for server in running:
                server.wait(30)


def _join(home: Path, servers: EmbeddedServers) -> None:
    os.environ |= {
        "HQ_HOME": str(home),
        "DATABASE_URL": servers.database_url(owner=True),
        "REDIS_URL": servers.redis_url(),
        "DJANGO_SETTINGS_MODULE": "tradinghq.settings",
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _let_owner_load_history(home: Path) -> None:
    """A million old orders are loaded without firing a trigger for each; only a superuser may allow that."""
    data = postgres_server.data_folder(home)
    binaries = postgres_server.binaries()
    subprocess.run(
        [*command_prefix(data, binaries), str(binaries / "postgres"), "--single", "-D", str(data), "postgres"],
        input=f"GRANT SET ON PARAMETER session_replication_role TO {OWNER_ROLE};\n",
        check=True,
        capture_output=True,
        text=True,
    )


def _start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("w") as stream:
        return subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True)


def _until(ready: Callable[[], bool], home: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"The servers did not start: {(home / 'postgres.log').read_text()[-2000:]}")
        time.sleep(0.05)
