"""Builds what the settings name, for tasks, views, loops and commands: the runtime, and its host's budget."""

from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.foundation.derived_secrets import derived_secret
from apps.management.adapters.docker_engine import DockerEngine
from apps.management.adapters.docker_runtime import DockerRuntime
from apps.management.adapters.host_capacity import default_budget
from apps.management.adapters.on_demand_programs import INFERENCE, RESEARCH, OnDemandSupervised
from apps.management.adapters.process_runtime import ProcessRuntime
from apps.management.adapters.redis_bridge import RedisBridge
from apps.management.adapters.supervised_programs import SupervisorFolder
from apps.management.adapters.supervisor_control import SupervisorControl
from apps.management.adapters.swarm_runtime import SwarmRuntime
from apps.management.domain.host_budget import Resources
from apps.management.ports import BridgeLine, EndWatch, OnDemandPrograms, Runtime

HOUSE_LENGTH = 12


@cache
def runtime() -> Runtime:
    """The runtime of ``HQ_RUNTIME``. Raises ``ImproperlyConfigured`` for one there is not: nothing is substituted."""
    if settings.HQ_RUNTIME in {"docker", "swarm"}:
        return container_runtime()
    if settings.HQ_RUNTIME != "process":
        raise ImproperlyConfigured(
            f"HQ_RUNTIME was {settings.HQ_RUNTIME!r}; the runtimes there are: process, docker, swarm."
        )
    return ProcessRuntime(
        SupervisorFolder(settings.HQ_HOME), SupervisorControl(settings.HQ_SUPERVISOR_SOCKET), settings.BASE_DIR
    )


@cache
def research_programs() -> OnDemandPrograms:
    """The research worker under this machine's supervisor."""
    return OnDemandSupervised(settings.HQ_SUPERVISOR_SOCKET, RESEARCH)


@cache
def inference_programs() -> OnDemandPrograms:
    """The inference workers under this machine's supervisor."""
    return OnDemandSupervised(settings.HQ_SUPERVISOR_SOCKET, INFERENCE)


@cache
def end_watch() -> EndWatch:
    """Who tells at once that a container ended; a connection of its own, which may wait."""
    return docker_runtime()


def container_runtime() -> DockerRuntime | SwarmRuntime:
    """A new one on the engine, or on the swarm that it manages."""
    if settings.HQ_RUNTIME == "swarm":
        return SwarmRuntime(
            house_engine(),
            image=settings.HQ_AGENT_IMAGE,
            network=settings.HQ_AGENT_NETWORK,
            placement=settings.HQ_SWARM_PLACEMENT,
        )
    return docker_runtime()


def docker_runtime() -> DockerRuntime:
    """A new one, with a connection of its own."""
    return DockerRuntime(house_engine(), image=settings.HQ_AGENT_IMAGE, network=settings.HQ_AGENT_NETWORK)


def house_engine() -> DockerEngine:
    """The Docker engine as this house sees it: what is ours there carries a name derived from the instance's key."""
    return DockerEngine(derived_secret("docker", "house")[:HOUSE_LENGTH])


@cache
def bridge_line() -> BridgeLine:
    """The line to the peers, by ``HQ_BRIDGE_URL``."""
    return RedisBridge(settings.HQ_BRIDGE_URL)


@cache
def fleet_budget() -> Resources:
    """What all agents may use together: ``HQ_FLEET_MEMORY`` and ``HQ_FLEET_CPUS``, each by default from the host."""
    host = default_budget()
    return Resources(settings.HQ_FLEET_MEMORY or host.memory_bytes, settings.HQ_FLEET_CPUS or host.cpus)
