"""Containers on a Docker engine, locked in: limits held, no rights, nothing to write on, nowhere to go but Redis.

The engine's own restart policy is off: the fleet starts what ended, and so counts it, rests and gives up. What is ours
is known by labels alone, so a restart of the house adopts what runs, and a container of anybody else is never touched.
"""

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from docker.errors import APIError, ImageNotFound, NotFound
from docker.types import DeviceRequest, LogConfig
from docker.utils.socket import SocketError

from apps.agents.domain.agent_resources import memory_bytes
from apps.foundation.errors import Refused
from apps.management.adapters.docker_engine import DIGEST_LABEL, HOUSE_LABEL, NAME_LABEL, DockerEngine, engine_errors
from apps.management.adapters.docker_facts import observed
from apps.management.adapters.docker_uses import ContainerUses
from apps.management.ports import ContainerSpec, ObservedContainer

USER = "10001:10001"
STOP_SECONDS = 5
PROCESSES = 64
LOG_LINES = 2_000
SECRETS_FOLDER = "/run/secrets"
TMPFS = {
    "/tmp": "rw,noexec,nosuid,nodev,size=16m,mode=1777",  # noqa: S108 - the container's own
    SECRETS_FOLDER: "rw,noexec,nosuid,nodev,size=64k,mode=0700,uid=10001,gid=10001",
}
NAME_TAKEN = 409
NO_DRIVER = "could not select device driver"  # what an engine says that knows no GPU


class DockerRuntime:
    """Containers of one house from one image, in one private network."""

    name = "docker"
    enforces_limits = True
    at_once = 8

    def __init__(self, engine: DockerEngine, *, image: str, network: str = "") -> None:
        """``image`` by id or digest; ``network`` is one that exists already, by default the house's own."""
        self._engine = engine
        self.image = image
        self._network = network
        self._uses = ContainerUses(engine)
        self._watched_from: float | None = None

    def observe(self) -> Sequence[ObservedContainer]:
        """Every container with this house's label."""
        found = []
        for row in self._engine.containers():
            with engine_errors(), suppress(NotFound):  # it was removed as we looked
                found.append(self._engine.api.inspect_container(row["Id"]))
        self._uses.look_at([facts["Id"] for facts in found if facts["State"]["Running"]])
        return [
            observed(
                facts,
                name=facts["Config"]["Labels"][NAME_LABEL],
                digest=facts["Config"]["Labels"][DIGEST_LABEL],
                use=self._uses.of(facts["Id"]),
            )
            for facts in found
        ]

    def start(self, spec: ContainerSpec) -> None:
        """Create it from the one image there is and start it; one that ended and is still what is asked runs again."""
        found = self._find(spec.name)
        if found and (found["Labels"].get(DIGEST_LABEL) != spec.digest or found["State"] not in {"running", "exited"}):
            self.stop(spec.name)
            found = None
        if found and found["State"] == "running":
            return
        self._check_host(spec)
        container = found["Id"] if found else self._create(spec)
        with self._stdin_of(container, spec) as give_secrets:
            with engine_errors():
                self._start(container, spec)
            give_secrets()

    def _start(self, container: str, spec: ContainerSpec) -> None:
        try:
            self._engine.api.start(container)
        except APIError as error:
            if not spec.limits.get("gpu") or NO_DRIVER not in str(error.explanation):
                raise
            self._engine.api.remove_container(container, force=True)
            raise Refused(
                f"{spec.name} asks for GPUs, and the engine has none to give ({error.explanation}). Install NVIDIA's"
                " container toolkit on its host, or ask for none.",
                code="no_gpu",
            ) from error

    def stop(self, name: str) -> None:
        """SIGTERM, time to end the running step, SIGKILL; then nothing of it is left."""
        found = self._find(name)
        if found is None:
            return
        with engine_errors():
            try:
                self._engine.api.stop(found["Id"], timeout=STOP_SECONDS)
                self._engine.api.remove_container(found["Id"], v=True, force=True)
            except NotFound:
                return

    def log_tail(self, name: str, *, size: int) -> str:
        """The end of what it wrote since it was created."""
        found = self._find(name)
        if found is None:
            return ""
        with engine_errors():
            try:
                text: bytes = self._engine.api.logs(found["Id"], tail=LOG_LINES)
            except NotFound:
                return ""
        return text[-size:].decode(errors="replace")

    def wait_for_end(self, *, seconds: float) -> bool:
        """Listen to the engine; ends since the last call count as well."""
        since = self._watched_from or time.time()
        until = time.time() + seconds
        wish = {"type": "container", "event": ["die", "destroy"], "label": self._engine.mine}
        with engine_errors():
            events = self._engine.api.events(since=since, until=until, filters=wish, decode=True)
            try:
                ended = next(iter(events), None) is not None
            finally:
                events.close()
        self._watched_from = time.time() if ended else until
        return ended

    def stop_all(self) -> int:
        """Stop every container of this house; how many there were."""
        names = [row["Labels"][NAME_LABEL] for row in self._engine.containers()]
        with ThreadPoolExecutor(self.at_once) as pool:
            return len(list(pool.map(self.stop, names)))

    def _find(self, name: str) -> dict[str, Any] | None:
        return next(iter(self._engine.containers(f"{NAME_LABEL}={name}")), None)

    def _check_host(self, spec: ContainerSpec) -> None:
        memory, cpu = spec.limits.get("memory"), spec.limits.get("cpu")
        if memory is None or cpu is None:
            raise Refused(f"{spec.name} has no limits of memory and cpu; none is started without.", code="no_limits")
        with engine_errors():
            host = self._engine.api.info()
        if memory_bytes(memory) > host["MemTotal"]:
            has = f"{host['MemTotal'] // 2**20}M"
            raise Refused(f"{spec.name} asks for {memory} of memory; its host has {has}.", code="beyond_host")
        if cpu > host["NCPU"]:
            raise Refused(f"{spec.name} asks for {cpu} processors; its host has {host['NCPU']}.", code="beyond_host")

    def _create(self, spec: ContainerSpec) -> str:
        arguments = ("-m", "workers.secret_files", *spec.arguments) if spec.secrets else spec.arguments
        api = self._engine.api
        try:
            with engine_errors():
                try:
                    api.inspect_image(self.image)
                except ImageNotFound:
                    raise Refused(
                        f"The engine does not have the image {self.image}. Build it: make images.", code="image_missing"
                    ) from None
                created = api.create_container(
                    self.image,  # as it was told, for the filter before the engine knows it by that
                    command=["python", *arguments],
                    name=f"{self._engine.network}-{spec.name}",
                    hostname="agent",
                    user=USER,
                    environment=dict(spec.environment),
                    labels={HOUSE_LABEL: self._engine.house, NAME_LABEL: spec.name, DIGEST_LABEL: spec.digest},
                    stdin_open=bool(spec.secrets),
                    host_config=self._host_config(spec),
                )
        except Refused as error:
            if isinstance(error.__cause__, APIError) and error.__cause__.status_code == NAME_TAKEN:
                raise Refused(
                    f"A container that is not ours has the name {self._engine.network}-{spec.name}; it is left alone.",
                    code="name_taken",
                ) from error
            raise
        return str(created["Id"])

    def _host_config(self, spec: ContainerSpec) -> dict[str, Any]:
        memory = memory_bytes(spec.limits["memory"])
        return dict(
            self._engine.api.create_host_config(
                network_mode=self._network or self._engine.network,
                restart_policy={"Name": "no"},
                mem_limit=memory,
                memswap_limit=memory,  # both together: no swap
                nano_cpus=int(float(spec.limits["cpu"]) * 1e9),
                pids_limit=PROCESSES,
                read_only=True,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges:true"],
                ipc_mode="private",
                init=True,
                tmpfs=TMPFS,
                device_requests=_gpus(spec),
                log_config=LogConfig(type="json-file", config={"max-size": "10m", "max-file": "3"}),
            )
        )

    @contextmanager
    def _stdin_of(self, container: str, spec: ContainerSpec) -> Iterator[Any]:
        """A call that writes the secrets into the container's standard input; they are kept nowhere outside it."""
        if not spec.secrets:
            yield lambda: None
            return
        with engine_errors():
            link = self._engine.api.attach_socket(container, params={"stdin": 1, "stream": 1})
        stream = getattr(link, "_sock", link)

        def give() -> None:
            try:
                stream.sendall(json.dumps(dict(spec.secrets)).encode() + b"\n")
            except (OSError, SocketError) as error:
                raise Refused(f"{spec.name} took no secrets: {error}.", code="secrets_not_taken") from error

        try:
            yield give
        finally:
            link.close()


def _gpus(spec: ContainerSpec) -> list[DeviceRequest] | None:
    """The request for as many GPUs as it asks for; None, so that nothing of it is sent, where it asks for none."""
    count = spec.limits.get("gpu", 0)
    return [DeviceRequest(count=count, capabilities=[["gpu"]])] if count else None
