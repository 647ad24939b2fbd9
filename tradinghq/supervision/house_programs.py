"""The processes of one machine, as ``docs/architecture.md`` lists them."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from apps.management.adapters.on_demand_programs import INFERENCE, RESEARCH
from apps.management.adapters.supervised_programs import SupervisedProgram
from tradinghq.embedded import postgres_server, redis_server
from tradinghq.embedded.addresses import EmbeddedServers

SERVERS = "servers"
HOUSE = "house"
POSTGRES, REDIS = "postgres", "redis"
CELERY = (sys.executable, "-m", "celery", "-A", "tradinghq.celery:app")
LOOPS_ALONE = (sys.executable, "-m", "workers.loop_process")
QUIET_WORKER = (
    "--without-mingle",
    "--without-gossip",
    "--without-heartbeat",
    "--pool",
    "threads",
    "--loglevel",
    "INFO",
)
CORE_TEAMS = ("market", "agents", "fleet", "upkeep")
CORE_LOOPS = ("market_clock", "vote_collector", "emergency_stop")
EXECUTION_LOOPS = (
    "leadership",  # first: the others ask it whether this house leads
    "order_sweep",
    "paper_matching",
    "order_relay",
    "outbox_relay",
    "venue_watch",
    "venue_stream",
    "open_order_poll",
    "fill_poll",
    "reconciliation",
)
CONTAINER_LOOPS = ("container_watch",)  # where an engine tells of what ended and starts nothing itself
BRIDGE_LOOPS = ("bridge",)  # where there is somebody to speak with; in one process
INFERENCE_LOOPS = ("inference_device", "inference_queue")
GUARD_LOOPS = ("stop_guard",)
CORE_THREADS = 6
EXECUTION_THREADS = 8  # orders on their way at once: an exchange may take its seconds to answer each
LEAN = {
    "MALLOC_ARENA_MAX": "2",  # glibc's arenas cost more memory than the threads that they serve
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
}
EXECUTION = "execution"
RESEARCH_ENDS_IDLE = 60
FOR_EXECUTION_ONLY = "HQ_PGP_PASSPHRASE"


@dataclass(frozen=True, slots=True)
class HouseSettings:
    """What the list of programs depends on. ``servers`` is None for what DATABASE_URL and REDIS_URL name."""

    home: Path
    directory: Path
    host: str
    port: int
    workers: int
    runtime: str
    environment: Mapping[str, str]
    embedded_postgres: EmbeddedServers | None
    embedded_redis: EmbeddedServers | None
    devices: tuple[str, ...] = ()


def server_programs(house: HouseSettings) -> list[SupervisedProgram]:
    """PostgreSQL and Redis, where they are ours."""
    programs = []
    if house.embedded_postgres:
        command = postgres_server.command(house.home, house.embedded_postgres)
        # SIGINT: sessions are cut and the server ends in order; SIGTERM would wait for every session.
        programs.append(_server(house, POSTGRES, command, stop_signal="INT"))
    if house.embedded_redis:
        programs.append(_server(house, REDIS, redis_server.command(house.home, house.embedded_redis)))
    return programs


def house_programs(house: HouseSettings) -> list[SupervisedProgram]:
    """Everything of ours that works on the servers, except the agents, which the fleet adds."""
    execution = (
        [f"{EXECUTION}-{number}" for number in range(1, house.workers + 1)] if house.workers > 1 else [EXECUTION]
    )
    has_peers = bool({"HQ_PEERS", "HQ_PEERS_FILE"} & set(house.environment))
    execution_loops = [EXECUTION_LOOPS + BRIDGE_LOOPS * (has_peers and number == 0) for number in range(len(execution))]
    core_loops = CORE_LOOPS + (CONTAINER_LOOPS if house.runtime == "docker" else ())
    return [
        _program(house, "web", _web(house)),
        _program(house, "beat", (*CELERY, "beat", "--loglevel", "INFO", "--pidfile=")),
        _program(house, "core", _worker("core", CORE_TEAMS, CORE_THREADS), loops=core_loops),
        *(
            _program(house, name, _worker(name, (EXECUTION,), EXECUTION_THREADS), loops=loops)
            for name, loops in zip(execution, execution_loops, strict=True)
        ),
        _program(house, "guard", LOOPS_ALONE, loops=GUARD_LOOPS),
        *_simulator(house),
    ]


def research_programs(house: HouseSettings) -> list[SupervisedProgram]:
    """The research worker: started on demand by the fleet, one process a processor, ends once it is idle."""
    manners = [word for word in QUIET_WORKER if word not in {"--pool", "threads"}]
    work = ("--hostname", f"{RESEARCH}@%h", "--queues", RESEARCH, "--include", "workers.research")
    argv = (*CELERY, "worker", *work, "--concurrency", str(os.cpu_count() or 1), "--pool", "prefork", *manners)
    program = _program(house, RESEARCH, argv)
    environment = {**program.environment, "HQ_ENDS_IDLE": str(RESEARCH_ENDS_IDLE)}
    if not os.access(house.directory / "apps", os.W_OK):  # else compiled code is kept beside its source
        environment["NUMBA_CACHE_DIR"] = str(house.home / "cache" / "numba")
    return [replace(program, environment=environment, restarts_always=False, stop_signal="QUIT")]  # at once


def inference_programs(house: HouseSettings) -> list[SupervisedProgram]:
    """One worker a device: more than one pass at a time would only wait for each other."""
    programs = []
    for device in house.devices:
        program = _program(house, f"{INFERENCE}-{device}", LOOPS_ALONE, loops=INFERENCE_LOOPS)
        programs.append(replace(program, environment={**program.environment, "HQ_DEVICE": device}))
    return programs


def _simulator(house: HouseSettings) -> list[SupervisedProgram]:
    """The exchange simulator, where the house trades on its own; a backup trades on its primary's."""
    if "HQ_SIMULATED_CONTROL" not in house.environment or house.environment.get("HQ_ROLE") == "backup":
        return []
    return [_program(house, "exchange", (sys.executable, "-m", "tradinghq.supervision.house_exchange"))]


def _web(house: HouseSettings) -> tuple[str, ...]:
    address = ("--host", house.host, "--port", str(house.port))
    manners = ("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3")
    # Deflate would compress every frame again for every socket; what a client says is short.
    stream = ("--ws-per-message-deflate", "false", "--ws-max-size", "65536")
    return (sys.executable, "-m", "uvicorn", "tradinghq.asgi:application", *address, *manners, *stream)


def _worker(name: str, teams: tuple[str, ...], threads: int) -> tuple[str, ...]:
    modules = ",".join(("workers.worker_loops", *(f"workers.{team}" for team in teams)))
    work = ("--hostname", f"{name}@%h", "--queues", ",".join(teams), "--include", modules)
    return (*CELERY, "worker", *work, "--concurrency", str(threads), *QUIET_WORKER)


def _program(
    house: HouseSettings, name: str, argv: tuple[str, ...], *, loops: tuple[str, ...] = ()
) -> SupervisedProgram:
    environment = {**house.environment, **LEAN, "HQ_PROCESS": name}
    if not name.startswith(EXECUTION):  # who opens no keys does not know the passphrase either
        environment = {key: value for key, value in environment.items() if not key.startswith(FOR_EXECUTION_ONLY)}
    if loops:
        environment["HQ_LOOPS"] = ",".join(loops)
    return SupervisedProgram(name=name, argv=argv, environment=environment, directory=house.directory, priority=100)


def _server(house: HouseSettings, name: str, argv: list[str], *, stop_signal: str = "TERM") -> SupervisedProgram:
    return SupervisedProgram(
        name=name,
        argv=tuple(argv),
        environment={key: house.environment[key] for key in ("PATH", "LANG") if key in house.environment},
        directory=house.home,
        priority=10,
        start_at_once=True,
        stop_signal=stop_signal,
        stop_seconds=20,
    )
