"""What a service of ours in a swarm looks like, and what only a swarm can refuse."""

import json

import pytest

from apps.foundation.errors import NotReady, Refused
from apps.management.adapters import swarm_runtime
from apps.management.adapters.docker_engine import DockerEngine
from apps.management.adapters.swarm_runtime import SwarmRuntime
from tests.support.agent_image import agent_image
from tests.support.one_container import NAME, seen, spec, started
from tests.support.running_supervisor import until
from tests.support.runtime_worlds import swarm_world

pytestmark = pytest.mark.swarm
SECRET = "redis://someone:open-sesame@host/0"


@pytest.fixture(scope="module")
def world():
    with swarm_world() as playground:
        yield playground


@pytest.fixture
def runtime(world):
    yield world.runtime
    world.runtime.stop_all()


def test_a_container_is_locked_in_and_nobody_who_looks_sees_a_secret(world, runtime):
    found = started(runtime, spec(secrets={"AGENT_REDIS_URL": SECRET}))
    facts = world.facts(found)
    host = facts["HostConfig"]
    assert facts["Image"] == agent_image()
    assert facts["Config"]["User"] == "10001:10001"
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (64 * 2**20, 500_000_000, 64)
    assert (host["ReadonlyRootfs"], host["Privileged"], host["CapDrop"]) == (True, False, ["ALL"])
    assert host["PortBindings"] in (None, {})
    assert [mount["Type"] for mount in host["Mounts"]] == ["tmpfs"]
    assert list(facts["NetworkSettings"]["Networks"]) == [world.engine.network]
    (service,) = world.engine.api.services(filters={"label": world.engine.mine})
    tasks, kept = world.engine.api.tasks(), world.engine.api.secrets(filters={"label": world.engine.mine})
    assert len(kept) == 1
    assert "open-sesame" not in json.dumps([facts, service, tasks, kept])


def test_inside_it_is_nobody_and_can_write_nowhere_that_lasts(runtime):
    look = """
import os, pathlib
status = dict(line.split(":", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
print(os.getuid(), status["CapEff"].strip(), "AGENT_REDIS_URL" in os.environ, os.environ["AGENT_REDIS_URL_FILE"])
for place in ("/srv/tradinghq/x", "/etc/x", "/var/x", "/run/secrets/AGENT_REDIS_URL"):
    try:
        open(place, "w")
    except OSError as error:
        print(error.strerror)
"""
    runtime.start(spec(look, secrets={"AGENT_REDIS_URL": SECRET}))
    until(lambda: (one := seen(runtime)) and one.exit_code is not None, "the container to end")
    lines = runtime.log_tail(NAME, size=2000).splitlines()
    assert lines[0] == "10001 0000000000000000 False /run/secrets/AGENT_REDIS_URL"
    assert lines[1:4] == ["Read-only file system"] * 3
    assert lines[4] in {"Read-only file system", "Permission denied"}


def test_a_stopped_one_leaves_neither_service_nor_secret(world, runtime):
    started(runtime, spec(secrets={"AGENT_REDIS_URL": SECRET}))
    runtime.stop(NAME)
    for rows in (world.engine.api.services, world.engine.api.secrets):
        assert rows(filters={"label": world.engine.mine}) == []


def test_an_engine_that_does_nothing_the_first_time_is_told_again(world, runtime, monkeypatch):
    started(runtime, spec())
    told, really = [], world.engine.api.update_service

    def forgetful(*arguments, **wishes):
        told.append(arguments)
        if len(told) > 1:
            really(*arguments, **wishes)

    monkeypatch.setattr(swarm_runtime, "AGAIN_SECONDS", 1.0)
    monkeypatch.setattr(world.engine.api, "update_service", forgetful)
    runtime.stop(NAME)
    assert len(told) > 1
    assert seen(runtime) is None


def test_one_that_does_not_end_in_time_is_said_to_be_left_and_the_next_stop_ends_it(world, runtime, monkeypatch):
    found = started(runtime, spec(secrets={"AGENT_REDIS_URL": SECRET}))
    with monkeypatch.context() as impatient:
        impatient.setattr(swarm_runtime, "END_SECONDS", 0.0)  # a swarm takes seconds
        with pytest.raises(NotReady) as late:
            runtime.stop(NAME)
    assert late.value.code == "not_ended"
    assert seen(runtime).name == found.name
    runtime.stop(NAME)
    for rows in (world.engine.api.services, world.engine.api.secrets):
        assert rows(filters={"label": world.engine.mine}) == []


def test_one_that_takes_too_much_memory_is_ended_and_said_to_be(runtime):
    runtime.start(spec("x = []\nwhile True: x.append(bytearray(2**20))"))
    ended = until(lambda: (one := seen(runtime)) and one.exit_code is not None and one, "the kernel to end it")
    assert (ended.out_of_memory, ended.exit_code) == (True, -9)


def test_another_process_of_the_house_adopts_what_runs_and_another_house_sees_nothing(world, runtime):
    found = started(runtime, spec())
    again = SwarmRuntime(DockerEngine(world.engine.house), image=agent_image(), network=world.engine.network)
    assert [one.handle for one in again.observe()] == [found.handle]
    again.start(spec())
    assert [one.handle for one in again.observe()] == [found.handle]
    other = SwarmRuntime(DockerEngine("another"), image=agent_image(), network=world.engine.network)
    assert list(other.observe()) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"limits": {"memory": "64M"}}, "no_limits"),
        ({"limits": {"memory": "64G", "cpu": 1}}, "beyond_host"),
        ({"limits": {"memory": "64M", "cpu": 16}}, "beyond_host"),
        ({"limits": {"memory": "64M", "cpu": 0.5, "gpu": 1}}, "no_gpu"),
    ],
)
def test_what_no_host_can_hold_is_refused(runtime, changes, code):
    with pytest.raises(Refused) as refused:
        runtime.start(spec(**changes))
    assert refused.value.code == code
    assert seen(runtime) is None


def test_without_a_host_that_fits_it_waits_and_says_why(world):
    nowhere = SwarmRuntime(
        world.engine, image=agent_image(), network=world.engine.network, placement=["node.labels.agents==nowhere"]
    )
    nowhere.start(spec())
    told = until(lambda: (one := seen(nowhere)) and "no suitable node" in one.detail and one, "the swarm to say so")
    assert (told.running, told.exit_code) == (False, None)
    nowhere.stop(NAME)
    assert seen(nowhere) is None
