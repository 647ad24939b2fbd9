"""Services of a Docker swarm, one a container: the swarm chooses the host, the fleet whether it runs.

As on one engine nothing is started anew by the engine itself, what is ours is known by labels alone, and secrets are
files: the swarm keeps them encrypted and gives them to the one container, on its memory disk. What the swarm's API
lacks and an engine's has: no swap beside the memory, no new privileges, and no contact between containers.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from secrets import token_hex
from typing import Any

import structlog
from docker.errors import APIError, ImageNotFound, NotFound
from docker.types import (
    ContainerSpec as ServiceContainer,
)
from docker.types import (
    DriverConfig,
    EndpointSpec,
    Healthcheck,
    Mount,
    NetworkAttachmentConfig,
    Placement,
    Resources,
    RestartPolicy,
    SecretReference,
    ServiceMode,
    TaskTemplate,
)

from apps.agents.domain.agent_resources import memory_bytes
from apps.foundation.errors import NotReady, Refused
from apps.management.adapters.docker_engine import DIGEST_LABEL, HOUSE_LABEL, NAME_LABEL, DockerEngine, engine_errors
from apps.management.adapters.docker_uses import ContainerUses
from apps.management.adapters.swarm_facts import (
    COMING,
    RUNNING,
    container_of,
    is_left,
    newest_tasks,
    observed_service,
    state_of,
)
from apps.management.ports import ContainerSpec, ObservedContainer

USER = "10001"
STOP_SECONDS = 5
# A swarm lets its network forget a container for 2 s, gives it STOP_SECONDS, and records each step before the next:
# 4 s on an engine with time, 13 s seen on one with a tenth of a processor, more than 30 s under a whole test run.
END_SECONDS, POLL_SECONDS = 120.0, 0.25
# An engine at times records that a service shall have no container and does nothing about it; told again, it does
# (https://github.com/moby/moby/issues/36527).
AGAIN_SECONDS = 20.0
PROCESSES = 64
LOG_LINES = 2_000
SECRETS_FOLDER = "/run/secrets"
NAME_TAKEN = 409
log = structlog.get_logger(__name__)


class SwarmRuntime:
    """Services of one house from one image, in one overlay network that Redis is reached by."""

    name = "swarm"
    enforces_limits = True
    at_once = 8

    def __init__(self, engine: DockerEngine, *, image: str, network: str, placement: Sequence[str] = ()) -> None:
        """``engine`` is a manager's. ``image`` by id (on one host) or by a registry's digest; ``placement`` are the
        swarm's constraints, as ``node.labels.agents==yes``.
        """
        self._engine = engine
        self.image = image
        self._network = network
        self._placement = list(placement)
        self._uses = ContainerUses(engine)

    def observe(self) -> Sequence[ObservedContainer]:
        """Every service with this house's label."""
        services = self._services()
        with engine_errors():
            tasks = newest_tasks(self._engine.api.tasks()) if services else {}
        facts = {service["ID"]: self._inspected(tasks.get(service["ID"])) for service in services}
        here = [one["Id"] for one in facts.values() if one is not None and one["State"]["Running"]]
        self._uses.look_at(here)
        return [
            observed_service(
                service,
                tasks.get(service["ID"]),
                facts[service["ID"]],
                self._uses.of(container_of(tasks.get(service["ID"]))),
            )
            for service in services
        ]

    def start(self, spec: ContainerSpec) -> None:
        """Create the service; one whose container ended and that is still what is asked gets another container."""
        found = self._find(spec.name)
        if found is not None and found["Spec"]["Labels"].get(DIGEST_LABEL) != spec.digest:
            self.stop(spec.name)
            found = None
        if found is None:
            self._check_hosts(spec)
            self._create(spec)
        elif not self._lives(found):
            self._start_anew(found)

    def stop(self, name: str) -> None:
        """Let the swarm end its container, wait until it has, and remove the service and its secrets."""
        found = self._find(name)
        if found is not None:
            with engine_errors(), suppress(NotFound):
                self._end(found["ID"], name)
                self._engine.api.remove_service(found["ID"])
        self._forget_secrets(name)

    def log_tail(self, name: str, *, size: int) -> str:
        """The end of what its containers wrote."""
        found = self._find(name)
        if found is None:
            return ""
        with engine_errors(), suppress(NotFound):
            parts = self._engine.api.service_logs(found["ID"], stdout=True, stderr=True, tail=LOG_LINES)
            return b"".join(parts)[-size:].decode(errors="replace")
        return ""

    def stop_all(self) -> int:
        """Stop every service of this house; how many there were."""
        names = [service["Spec"]["Labels"][NAME_LABEL] for service in self._services()]
        with ThreadPoolExecutor(self.at_once) as pool:
            return len(list(pool.map(self.stop, names)))

    @cached_property
    def _node(self) -> str:
        """The id of our host in the swarm. Raises ``NotReady`` where it is no manager."""
        with engine_errors():
            swarm = self._engine.api.info()["Swarm"]
        if not swarm.get("ControlAvailable"):
            raise NotReady(
                "HQ_RUNTIME=swarm needs the engine of a swarm's manager. Make this host one: docker swarm init.",
                code="no_swarm",
            )
        return str(swarm["NodeID"])

    def _services(self, name: str | None = None) -> list[dict[str, Any]]:
        labels = [self._engine.mine, *([f"{NAME_LABEL}={name}"] if name else [])]
        assert self._node
        with engine_errors():
            return list(self._engine.api.services(filters={"label": labels}))

    def _find(self, name: str) -> dict[str, Any] | None:
        return next(iter(self._services(name)), None)

    def _tasks_of(self, service: str) -> list[dict[str, Any]]:
        with engine_errors():
            return [task for task in self._engine.api.tasks() if task["ServiceID"] == service]

    def _inspected(self, task: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """What this host's engine says of its container; None where it is elsewhere or there is none."""
        if task is None or task.get("NodeID") != self._node or not container_of(task):
            return None
        with engine_errors():
            try:
                return dict(self._engine.api.inspect_container(container_of(task)))
            except NotFound:
                return None  # it was removed as we looked

    def _lives(self, service: Mapping[str, Any]) -> bool:
        task = newest_tasks(self._tasks_of(service["ID"])).get(service["ID"])
        facts = self._inspected(task)
        if facts is not None:
            return bool(facts["State"]["Running"]) or facts["State"]["Status"] == "created"
        return state_of(task) in COMING or state_of(task) == RUNNING

    def _start_anew(self, service: Mapping[str, Any]) -> None:
        template = dict(service["Spec"]["TaskTemplate"])
        template["ForceUpdate"] = int(template.get("ForceUpdate") or 0) + 1
        self._update(service, template=template)

    def _update(
        self, service: Mapping[str, Any], *, template: dict[str, Any] | None = None, mode: ServiceMode | None = None
    ) -> None:
        spec = service["Spec"]
        with engine_errors():
            self._engine.api.update_service(
                service["ID"],
                service["Version"]["Index"],
                name=spec["Name"],
                labels=spec["Labels"],
                mode=mode or spec["Mode"],
                task_template=template or spec["TaskTemplate"],
                endpoint_spec=spec.get("EndpointSpec"),
            )

    def _end(self, service: str, name: str) -> None:
        """Tell the swarm that it shall have no container, again now and then, until it has none."""
        now = time.monotonic()
        deadline, tell_at = now + END_SECONDS, now
        while True:
            now = time.monotonic()
            if now >= tell_at:
                self._update(self._engine.api.inspect_service(service), mode=ServiceMode("replicated", 0))
                tell_at = now + AGAIN_SECONDS
            if not self._is_ending(service):
                return
            if now > deadline:
                raise NotReady(f"The swarm has not ended {name} within {END_SECONDS:.0f} s.", code="not_ended")
            time.sleep(POLL_SECONDS)

    def _is_ending(self, service: str) -> bool:
        """Whether a container of it still runs or comes, as far as its host can say so, or is about to be forgotten.

        Who removes a service while the swarm forgets its tasks may end the engine itself (seen on 20.10): it lists
        them, looks each up again, and falls over one that is gone by then.
        """
        left = [task for task in self._tasks_of(service) if is_left(task)]
        if not left:
            return False
        with engine_errors():
            down = {node["ID"] for node in self._engine.api.nodes() if node["Status"]["State"] == "down"}
        return any(task.get("NodeID") not in down for task in left)

    def _check_hosts(self, spec: ContainerSpec) -> None:
        memory, cpu = spec.limits.get("memory"), spec.limits.get("cpu")
        if memory is None or cpu is None:
            raise Refused(f"{spec.name} has no limits of memory and cpu; none is started without.", code="no_limits")
        if spec.limits.get("gpu"):
            raise Refused(
                f"{spec.name} asks for a GPU; a swarm's services get none by request. Run it with HQ_RUNTIME=docker.",
                code="no_gpu",
            )
        with engine_errors():
            hosts = [node["Description"]["Resources"] for node in self._engine.api.nodes()]
        if not any(memory_bytes(memory) <= one["MemoryBytes"] and cpu * 1e9 <= one["NanoCPUs"] for one in hosts):
            raise Refused(
                f"{spec.name} asks for {memory} of memory and {cpu} processors; no host of the swarm has both.",
                code="beyond_host",
            )

    def _create(self, spec: ContainerSpec) -> None:
        api = self._engine.api
        labels = {HOUSE_LABEL: self._engine.house, NAME_LABEL: spec.name}
        self._forget_secrets(spec.name)
        try:
            with engine_errors():
                self._check_image()
                given = {name: f"hq-{token_hex(12)}" for name in spec.secrets}
                references = [
                    SecretReference(
                        api.create_secret(kept, spec.secrets[name].encode(), labels)["ID"],
                        kept,
                        filename=name,
                        uid=USER,
                        gid=USER,
                        mode=0o400,
                    )
                    for name, kept in given.items()
                ]
                api.create_service(
                    self._template(spec, references),
                    name=self._service_name(spec.name),
                    labels={**labels, DIGEST_LABEL: spec.digest},
                    mode=ServiceMode("replicated", 1),
                    endpoint_spec=EndpointSpec(mode="dnsrr"),
                )
        except Refused as error:
            if isinstance(error.__cause__, APIError) and error.__cause__.status_code == NAME_TAKEN:
                raise Refused(
                    f"A service that is not ours has the name {self._service_name(spec.name)}; it is left alone.",
                    code="name_taken",
                ) from error
            raise

    def _check_image(self) -> None:
        """An image by id can only be on this host; one of a registry is fetched by each host itself."""
        if "@" in self.image:
            return
        try:
            self._engine.api.inspect_image(self.image)
        except ImageNotFound:
            raise Refused(
                f"The engine does not have the image {self.image}. Build it: make images.", code="image_missing"
            ) from None

    def _service_name(self, name: str) -> str:
        """A swarm takes 63 characters at most."""
        return f"hq-{self._engine.house}-{name.replace('-', '')}"

    def _template(self, spec: ContainerSpec, secrets: list[SecretReference]) -> TaskTemplate:
        files = {f"{name}_FILE": f"{SECRETS_FOLDER}/{name}" for name in spec.secrets}
        resources = Resources(
            cpu_limit=int(float(spec.limits["cpu"]) * 1e9), mem_limit=memory_bytes(spec.limits["memory"])
        )
        resources["Limits"]["Pids"] = PROCESSES
        return TaskTemplate(
            ServiceContainer(
                self.image,
                command=["python", *spec.arguments],
                hostname="agent",
                env={**spec.environment, **files},
                user=f"{USER}:{USER}",
                mounts=[Mount("/tmp", None, type="tmpfs", tmpfs_size=16 * 2**20, tmpfs_mode=0o1777)],  # noqa: S108
                stop_grace_period=STOP_SECONDS * 10**9,
                secrets=secrets,
                healthcheck=Healthcheck(test=["NONE"]),  # the fleet watches the heartbeat; a swarm would end it itself
                read_only=True,
                init=True,
                cap_drop=["ALL"],
            ),
            resources=resources,
            restart_policy=RestartPolicy("none"),
            placement=Placement(constraints=self._placement) if self._placement else None,
            log_driver=DriverConfig("json-file", {"max-size": "10m", "max-file": "3"}),
            networks=[NetworkAttachmentConfig(self._network)],
        )

    def _forget_secrets(self, name: str) -> None:
        """Those that no service has any more; one that a container still ends with is forgotten next time."""
        labels = [self._engine.mine, f"{NAME_LABEL}={name}"]
        with engine_errors():
            kept = self._engine.api.secrets(filters={"label": labels})
        for secret in kept:
            try:
                with engine_errors(), suppress(NotFound):
                    self._engine.api.remove_secret(secret["ID"])
            except Refused as refused:
                log.warning("swarm_secret_kept", container=name, reason=refused.message)
