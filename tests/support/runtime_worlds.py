"""Where a runtime's tests play: how to look at its containers from outside, past the runtime itself."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from apps.foundation.errors import Refused
from apps.management.adapters.docker_engine import DockerEngine
from apps.management.adapters.docker_runtime import DockerRuntime
from apps.management.adapters.swarm_runtime import SwarmRuntime
from apps.management.ports import ObservedContainer
from tests.support.agent_image import agent_image
from tests.support.running_supervisor import RunningSupervisor, running_supervisor, until


class ProcessWorld:
    """A supervisor of its own, which starts anew what ends."""

    restarts_itself = True

    def __init__(self, supervisor: RunningSupervisor) -> None:
        self.runtime = supervisor.runtime

    def pid(self, found: ObservedContainer) -> int:
        return int(found.handle)

    def environment(self, found: ObservedContainer) -> dict[str, str]:
        """All that its program was started with, except what Python sets itself."""
        process = psutil.Process(int(found.handle))
        until(lambda: process.cmdline()[1] == "-c", "the program itself")
        return {name: value for name, value in process.environ().items() if name != "LC_CTYPE"}

    def kill(self, found: ObservedContainer, number: int) -> None:
        os.kill(int(found.handle), number)


class DockerWorld:
    """A house of its own on this machine's engine, with a private network."""

    restarts_itself = False

    def __init__(self) -> None:
        self.engine = DockerEngine(f"test-{secrets.token_hex(4)}")
        self.gateway = self.engine.open_network()
        self.runtime = DockerRuntime(self.engine, image=agent_image())

    def facts(self, found: ObservedContainer) -> dict:
        return self.engine.api.inspect_container(found.handle)

    def pid(self, found: ObservedContainer) -> int:
        return self.facts(found)["State"]["Pid"]

    def environment(self, found: ObservedContainer) -> dict[str, str]:
        """What the engine was told, over what the image says of itself."""
        image = self.engine.api.inspect_image(self.runtime.image)["Config"]["Env"]
        told = [pair for pair in self.facts(found)["Config"]["Env"] if pair not in image]
        return dict(pair.split("=", 1) for pair in told)

    def kill(self, found: ObservedContainer, number: int) -> None:
        self.engine.api.kill(found.handle, number)

    def end(self) -> None:
        self.runtime.stop_all()
        self.engine.close_network()


class SwarmWorld(DockerWorld):
    """A house of its own in the swarm that this machine's engine manages, with an overlay network."""

    def __init__(self) -> None:
        self.engine = DockerEngine(f"test-{secrets.token_hex(4)}")
        self.engine.api.create_network(self.engine.network, driver="overlay", internal=True)
        self.runtime = SwarmRuntime(self.engine, image=agent_image(), network=self.engine.network)

    def end(self) -> None:
        self.runtime.stop_all()
        until(self._network_is_free, "the swarm to leave the network", seconds=120)

    def _network_is_free(self) -> bool:
        try:
            self.engine.close_network()
        except Refused:
            return False  # a container is still leaving it
        return True


@contextmanager
def process_world() -> Iterator[ProcessWorld]:
    with running_supervisor() as supervisor:
        yield ProcessWorld(supervisor)


@contextmanager
def docker_world() -> Iterator[DockerWorld]:
    with _ended(DockerWorld()) as world:
        yield world


@contextmanager
def swarm_world() -> Iterator[DockerWorld]:
    with _ended(SwarmWorld()) as world:
        yield world


@contextmanager
def _ended(world: DockerWorld) -> Iterator[DockerWorld]:
    try:
        yield world
    finally:
        world.end()
