"""``up``: from a folder to a running house. Start and restart share this one path, whatever ended the house before."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import psutil
from django.conf import settings

from apps.agents.queries import local_devices
from apps.foundation import metrics_folder
from apps.foundation.errors import HQError
from apps.management.adapters.on_demand_programs import INFERENCE, RESEARCH
from apps.management.adapters.supervised_programs import SupervisorFolder
from apps.management.adapters.supervisor_control import SupervisorControl, control_socket
from apps.management.wiring import container_runtime, house_engine
from tradinghq import environment as env
from tradinghq.backup.unfinished_restore import refuse_unfinished_restore
from tradinghq.embedded import postgres_server, redis_server
from tradinghq.embedded.addresses import EmbeddedServers, ensure_servers
from tradinghq.supervision.first_steps import leave_database, prepare_database, prepare_house
from tradinghq.supervision.house_exchange import ACCOUNT, house_exchange
from tradinghq.supervision.house_lock import take_lock
from tradinghq.supervision.house_programs import (
    HOUSE,
    SERVERS,
    HouseSettings,
    house_programs,
    inference_programs,
    research_programs,
    server_programs,
)
from tradinghq.supervision.leftovers import SUPERVISOR, end_leftovers, record
from tradinghq.supervision.start_again import TRY
from tradinghq.supervision.stop_house import stop_programs
from tradinghq.supervision.supervisor_files import supervisor_command, write_configuration
from tradinghq.supervision.welcome import say_where_to_look
from tradinghq.unsafe_settings import refuse_to_start

START_SECONDS = 60.0
WEB_SECONDS = 6.0
POLL_SECONDS = 0.05
ANY_HOST = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
NOT_FOR_PROGRAMS = (TRY, "HQ_ADMIN_PASSWORD", "HQ_ADMIN_PASSWORD_FILE", "DATABASE_OWNER_URL", "DATABASE_OWNER_URL_FILE")
SUPERVISOR_NEEDS = ("PATH", "HOME", "LANG", "TMPDIR", "USER")


def start_house(*, manage: str, say: Callable[[str], None]) -> NoReturn:
    """Start everything, then become the watch. Returns never; raises ``EnvironmentRefused`` with a sentence."""
    home = settings.HQ_HOME
    refuse_to_start()
    take_lock(home)
    refuse_unfinished_restore(home)
    folder = SupervisorFolder(home)
    ended = end_leftovers(folder)
    if ended:
        say(f"Ended what an earlier start left behind: {', '.join(ended)}.")
    _check_port(settings.HQ_HOST, settings.HQ_PORT)
    _check_swarm()
    servers = _addresses(home, manage)
    house = _house(servers)
    if house.embedded_postgres:
        postgres_server.create_cluster(home, house.embedded_postgres)
    groups = {
        SERVERS: server_programs(house),
        HOUSE: house_programs(house),
        RESEARCH: research_programs(house),
        INFERENCE: inference_programs(house),
    }
    write_configuration(folder, groups)
    supervisor = _start_supervisor(folder)
    control = SupervisorControl(control_socket(home))
    try:
        _bring_up(house, control, supervisor)
        control.call("startProcess", f"{HOUSE}:web", False)  # it loads while the rest is prepared
        first_login = _prepare(home)
        _let_web_load(settings.HQ_HOST, settings.HQ_PORT)
        control.call("startProcessGroup", HOUSE, False)
        leave_database()
    except BaseException:
        leave_database()
        _give_up(control, supervisor, folder)
        raise
    say_where_to_look(say, first_login)
    watch = [sys.executable, "-m", "tradinghq.supervision.watch_house", str(home), str(supervisor.pid), manage]
    os.execv(sys.executable, watch)  # noqa: S606 - our own command, without a shell


def _prepare(home: Path) -> str | None:
    (home / "static").mkdir(exist_ok=True)
    try:
        return prepare_house(home)
    except HQError as error:
        raise env.EnvironmentRefused(error.message) from error


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise env.EnvironmentRefused(
                f"Port {port} on {host} can't be used ({error.strerror}). "
                f"Stop what uses it or choose another: make run HQ_PORT={_next_port(port)}"
            ) from error


def _next_port(port: int) -> int:
    return port + 1 if port < 65535 else port - 1  # noqa: PLR2004 - the last port


def _addresses(home: Path, manage: str) -> EmbeddedServers | None:
    if env.text("DATABASE_URL") and env.text("REDIS_URL"):
        return None
    servers, changed = ensure_servers(home, gateway=_gateway())
    if changed:
        # The settings of this process were read before the addresses existed: read them again.
        os.execv(sys.executable, [sys.executable, manage, "up"])  # noqa: S606 - our own command, without a shell
    return servers


def _gateway() -> str:
    """Where containers find this machine, which Redis then listens on as well; empty without containers."""
    if settings.HQ_RUNTIME != "docker" or settings.HQ_AGENT_NETWORK or env.text("REDIS_URL"):
        return ""
    try:
        return house_engine().open_network()
    except HQError as error:
        raise env.EnvironmentRefused(f"HQ_RUNTIME was docker. {error.message}") from error


def _check_swarm() -> None:
    """The engine is asked once, so that a host that manages no swarm is told of at the start."""
    if settings.HQ_RUNTIME != "swarm":
        return
    try:
        container_runtime().observe()
    except HQError as error:
        raise env.EnvironmentRefused(f"HQ_RUNTIME was swarm. {error.message}") from error


def _house(servers: EmbeddedServers | None) -> HouseSettings:
    environment = {name: value for name, value in os.environ.items() if name not in NOT_FOR_PROGRAMS}
    if settings.RECORDED_DIR:
        environment["RECORDED_DIR"] = str(Path(settings.RECORDED_DIR).absolute())  # the programs run elsewhere
    if settings.VENUE == ACCOUNT and ACCOUNT not in settings.HQ_CCXT_URLS:
        environment |= house_exchange(settings.HQ_HOME).environment
    return HouseSettings(
        home=settings.HQ_HOME,
        directory=settings.BASE_DIR,
        host=settings.HQ_HOST,
        port=settings.HQ_PORT,
        workers=settings.HQ_WORKERS,
        runtime=settings.HQ_RUNTIME,
        environment={
            **environment,
            "HQ_HOME": str(settings.HQ_HOME),
            metrics_folder.DIRECTORY_VARIABLE: str(metrics_folder.prepare_folder(settings.HQ_HOME)),
        },
        embedded_postgres=None if env.text("DATABASE_URL") else servers,
        embedded_redis=None if env.text("REDIS_URL") else servers,
        devices=tuple(local_devices()),
    )


def _start_supervisor(folder: SupervisorFolder) -> "subprocess.Popen[bytes]":
    needed = {name: os.environ[name] for name in SUPERVISOR_NEEDS if name in os.environ}
    with (folder.logs / "supervisor.out").open("ab") as output:
        supervisor = subprocess.Popen(
            supervisor_command(folder),
            env=needed,
            cwd=folder.root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the watch only, which stops everything in order
        )
    record(folder, SUPERVISOR, psutil.Process(supervisor.pid))
    return supervisor


def _bring_up(house: HouseSettings, control: SupervisorControl, supervisor: "subprocess.Popen[bytes]") -> None:
    def alive() -> bool:
        return supervisor.poll() is None

    _wait("the supervisor", "supervisor", control.is_up, alive)
    postgres, redis = house.embedded_postgres, house.embedded_redis
    if postgres:
        _wait("PostgreSQL", "postgres", lambda: postgres_server.is_ready(postgres), alive)
    if redis:
        _wait("Redis", "redis", lambda: redis_server.is_ready(redis), alive)
    owner = postgres.database_url(owner=True) if postgres else settings.DATABASE_OWNER_URL
    prepare_database(owner_url=owner)


def _let_web_load(host: str, port: int) -> None:
    """Give the web both processors until it answers, at most a few seconds: a person waits for it first of all."""
    address = ("127.0.0.1" if host in ANY_HOST else host, port)
    deadline = time.monotonic() + WEB_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(address, timeout=1).close()
            return
        time.sleep(POLL_SECONDS)


def _wait(what: str, log: str, is_ready: Callable[[], bool], alive: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        if not alive() or time.monotonic() > deadline:
            path = SupervisorFolder(settings.HQ_HOME).log(log)
            raise env.EnvironmentRefused(f"{what} did not start within {START_SECONDS:.0f} s. Its log: {path}")
        time.sleep(POLL_SECONDS)


def _give_up(control: SupervisorControl, supervisor: "subprocess.Popen[bytes]", folder: SupervisorFolder) -> None:
    stop_programs(control)
    try:
        supervisor.wait(START_SECONDS)
    finally:
        end_leftovers(folder)
