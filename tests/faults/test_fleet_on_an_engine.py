"""Faults of containers on a real engine: T27 (out of memory), T30 (the engine is lost, things are removed by hand),
T31 (the house is killed while agents run), I14 after each, and an emergency stop while the engine is away.

Each container's own confinement (I15, I16) is proven in ``tests/integration/management/test_docker_runtime.py``, a
scale signal that flaps (T32) in ``tests/unit/management/test_autoscaling.py``.
"""

import subprocess
import sys
from pathlib import Path

import docker
import pytest

from apps.agents import operations as agents_room
from apps.foundation.errors import NotReady
from apps.management import operations, queries
from apps.management.adapters.docker_engine import NAME_LABEL, DockerEngine
from apps.management.adapters.docker_runtime import DockerRuntime
from apps.management.domain.health_policy import LOOP_CRASHES, Health
from apps.management.models import Container, Incident
from apps.management.operations import wanted_containers
from apps.management.operations.wanted_containers import container_name
from apps.trading.queries import trading_state
from tests.integration.management.test_converge_fleet import converge, moment, new_agent
from tests.support.agent_image import agent_image
from tests.support.leading import HOUSE
from tests.support.running_supervisor import until
from tests.support.runtime_worlds import docker_world
from tests.support.trading_desk import open_desk
from workers.drills.tcp_proxy import TcpProxy, Weather

pytestmark = [pytest.mark.faults, pytest.mark.docker, pytest.mark.django_db(transaction=True)]
SOCKET = Path("/var/run/docker.sock")
RESTED, LONG = 25.0, 3600.0  # seconds that our clock runs ahead: after the fourth end, and long after any
# An agent that takes twice its memory as soon as it runs, if it is one of the greedy strategy; else the real agent.
GREEDY = """
import os, runpy
if os.environ["AGENT_STRATEGY"] == "breakout":
    taken = b"x" * (2 * 64 * 2**20)
runpy.run_module("workers.agent_process", run_name="__main__", alter_sys=True)
"""
SLEEP = ["python", "-c", "import time; time.sleep(600)"]


@pytest.fixture(scope="module")
def world():
    with docker_world() as playground:
        yield playground


@pytest.fixture
def runtime(world, clean_redis):
    yield world.runtime
    world.runtime.stop_all()


@pytest.fixture
def line(monkeypatch):
    """The way to the engine, which a test may cut; what looks past it has its client already."""
    with TcpProxy(SOCKET) as proxy:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{proxy.port}")
        yield proxy


@pytest.fixture
def foreign():
    """A container of somebody else, who even uses a label of ours."""
    found = docker.from_env().containers.run(
        agent_image(), SLEEP, detach=True, network_mode="none", labels={NAME_LABEL: container_name("of another")}
    )
    yield found
    found.remove(force=True)


def seen(runtime) -> dict[str, str]:
    """The containers of ours that run, by name, with their ids: one a name."""
    found = [one for one in runtime.observe() if one.running]
    assert len({one.name for one in found}) == len(found)
    return {one.name: one.handle for one in found}


def test_t27_one_that_takes_too_much_memory_rests_is_tried_again_and_ends_in_quarantine(runtime, monkeypatch):
    monkeypatch.setattr(wanted_containers, "ARGUMENTS", ("-c", GREEDY))
    modest, greedy = new_agent(), new_agent("breakout")
    small = {"resources": {"memory": "64M", "cpu": 0.5}}
    agents_room.configure_agent(agent_id=greedy.pk, changes=small, actor="test", moment=moment())
    name = container_name(greedy.pk)
    converge(runtime)
    beside = until(lambda: seen(runtime).get(container_name(modest.pk)), "the other agent to run")
    for number in range(1, LOOP_CRASHES + 1):
        until(lambda: name not in seen(runtime), "the kernel to end it")
        acts = converge(runtime)
        assert Container.objects.get(pk=name).restarts == number
        if number == 1:
            assert acts == [("start", name)]  # one crash is no pattern
        elif number < LOOP_CRASHES:
            assert acts == []  # it rests
            assert converge(runtime, seconds=RESTED) == [("start", name)]
    incident = Incident.objects.get(kind="agent_out_of_memory")
    assert (incident.subject, incident.occurrences) == (name, LOOP_CRASHES)
    assert incident.detail.startswith("It used more than its 64M of memory and the kernel ended it.")
    assert Incident.objects.get(kind="agent_crash_loop").subject == name
    assert queries.container_of(greedy.pk)["health"] == Health.QUARANTINED
    assert seen(runtime) == {container_name(modest.pk): beside}
    assert name not in {one for _, one in converge(runtime, seconds=LONG)}


def test_t30_an_engine_that_was_lost_is_told_of_and_what_happened_meanwhile_is_made_good(world, runtime, line, foreign):
    agents = [new_agent() for _ in range(3)]
    house = DockerRuntime(DockerEngine(world.engine.house), image=agent_image())
    converge(house)
    before = seen(runtime)
    assert before.keys() == {container_name(agent.pk) for agent in agents}

    line.weather = Weather.REFUSE
    for _ in range(2):
        with pytest.raises(NotReady):
            converge(house)
    killed, removed, kept = sorted(before)
    world.engine.api.kill(before[killed], 9)
    world.engine.api.remove_container(before[removed], force=True)
    incident = Incident.objects.get(kind="runtime_away")
    assert (incident.occurrences, incident.closed_at) == (2, None)

    line.clear()
    until(lambda: killed not in seen(runtime), "the engine to see it ended")
    converge(house)
    converge(house, seconds=30)
    after = seen(runtime)
    assert after.keys() == before.keys()
    assert after[kept] == before[kept]
    assert after[removed] != before[removed]
    assert converge(house) == []
    incident.refresh_from_db()
    assert incident.close_reason == "It answers again."
    foreign.reload()
    assert foreign.status == "running"


def test_t31_what_a_killed_house_left_running_is_taken_over_by_its_labels(world, runtime):
    agent = new_agent()
    name = container_name(agent.pk)
    started = subprocess.run(
        [sys.executable, "-c", START_AND_DIE, world.engine.house, agent_image(), name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode == -9, started.stderr
    found = until(lambda: seen(runtime).get(name), "the container to live on")
    # Its settings are not those that this house wants: it is replaced once, and known from then on.
    assert converge(runtime) == [("replace", name)]
    handle = seen(runtime)[name]
    assert handle != found
    again = DockerRuntime(DockerEngine(world.engine.house), image=agent_image())
    assert converge(again) == []
    assert seen(again) == {name: handle}
    assert Container.objects.get(pk=name).handle == handle
    # One whose agent nobody knows any more has no owner: it is stopped.
    agents_room.destroy_agent(agent_id=agent.pk, actor="test", moment=moment())
    assert converge(again) == [("stop", name)]
    assert seen(runtime) == {}


def test_an_emergency_stop_stands_while_the_engine_is_away_and_ends_the_agents_when_it_is_back(world, runtime, line):
    open_desk()
    agent = new_agent()
    house = DockerRuntime(DockerEngine(world.engine.house), image=agent_image())
    converge(house)
    assert seen(runtime).keys() == {container_name(agent.pk)}
    line.weather = Weather.REFUSE
    operations.emergency_stop(actor="test", reason="Strange prices.", flatten=False, moment=moment())
    with pytest.raises(NotReady):
        operations.follow_stop(runtime=house, house=HOUSE, moment=moment())
    assert trading_state().state == "HALTED"
    assert {"stop_agents_left", "runtime_away"} >= {one.kind for one in Incident.objects.filter(closed_at=None)}
    assert seen(runtime) != {}
    line.clear()
    while operations.follow_stop(runtime=house, house=HOUSE, moment=moment()):
        pass
    assert seen(runtime) == {}
    assert queries.stop_progress()["agents_seconds"] > 0
    assert not Incident.objects.filter(closed_at=None).exists()


START_AND_DIE = """
import os, signal, sys
from apps.management.adapters.docker_engine import NAME_LABEL, DockerEngine
from apps.management.adapters.docker_runtime import DockerRuntime
from apps.management.ports import ContainerSpec
house, image, name = sys.argv[1:]
runtime = DockerRuntime(DockerEngine(house), image=image)
runtime.start(ContainerSpec(
    name=name, subject_id=name, arguments=("-c", "import time; time.sleep(600)"), environment={}, digest="of before",
    limits={"memory": "64M", "cpu": 0.5},
))
os.kill(os.getpid(), signal.SIGKILL)
"""
