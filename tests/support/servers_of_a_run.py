"""One embedded PostgreSQL and one Redis for a whole pytest run; a worker has its own database and Redis number."""

import atexit
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from tradinghq.embedded import postgres_server, redis_server
from tradinghq.embedded.addresses import ensure_servers

REDIS_DATABASES = 64
FIRST_REDIS_DATABASE = 1  # 0 stays free for a `make run` that shares the server
CONNECTIONS = 200
START_SECONDS = 30.0
_started: list[subprocess.Popen] = []
_folders: list[Path] = []


def prepare_environment() -> None:
    """Set what the settings read. An xdist worker finds the servers running and only takes its own Redis number."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tradinghq.settings"
    worker = re.fullmatch(r"gw(\d+)", os.environ.get("PYTEST_XDIST_WORKER", ""))
    if worker:
        _take_redis_database(FIRST_REDIS_DATABASE + 1 + int(worker.group(1)))
        return
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # pytest ends as by Ctrl-C, and the servers with it
    if not os.environ.get("HQ_HOME"):
        os.environ["HQ_HOME"] = str(_temporary_folder("hq-test-home-"))
    Path(os.environ["HQ_HOME"], "static").mkdir(parents=True, exist_ok=True)  # `up` makes it; the web warns without
    if not os.environ.get("DATABASE_URL") or not os.environ.get("REDIS_URL"):
        _start_servers()


def end_servers() -> None:
    """End what this run started. May be called again."""
    while _started:
        server = _started.pop()
        server.terminate()
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)


def _start_servers() -> None:
    home = _temporary_folder("hq-test-servers-")
    home.chmod(0o755)  # under root PostgreSQL runs as another user
    servers, _ = ensure_servers(home)
    atexit.register(end_servers)
    if not os.environ.get("DATABASE_URL"):
        postgres_server.create_cluster(home, servers, durable=False)
        _start(postgres_server.command(home, servers, durable=False, connections=CONNECTIONS), home / "postgres.log")
        _until(lambda: postgres_server.is_ready(servers), home / "postgres.log")
        os.environ["DATABASE_URL"] = servers.database_url(owner=True)
        os.environ["TEST_APP_DATABASE_URL"] = servers.database_url()
    if not os.environ.get("REDIS_URL"):
        _start(redis_server.command(home, servers, databases=REDIS_DATABASES), home / "redis.log")
        _until(lambda: redis_server.is_ready(servers), home / "redis.log")
        os.environ["REDIS_URL"] = servers.redis_url()
        _take_redis_database(FIRST_REDIS_DATABASE)


def _temporary_folder(prefix: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    _folders.append(folder)
    atexit.register(end_servers)
    return folder


def _start(command: list[str], log: Path) -> None:
    with log.open("w") as stream:
        # Its own session: Ctrl-C ends pytest first, which then ends the servers.
        _started.append(subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True))


def _until(ready, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > deadline or _started[-1].poll() is not None:
            raise RuntimeError(f"A server for the tests did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.05)


def _take_redis_database(number: int) -> None:
    os.environ["REDIS_URL"] = re.sub(r"/\d+$", "", os.environ["REDIS_URL"]) + f"/{number}"
