"""What only an engine can do, and what a container of ours looks like to anybody who inspects it."""

import json
import socket

import docker
import pytest

from apps.foundation.errors import NotReady, Refused
from apps.management.adapters.docker_engine import NAME_LABEL, DockerEngine
from apps.management.adapters.docker_runtime import DockerRuntime
from tests.support.agent_image import agent_image
from tests.support.full_engine import full_engine
from tests.support.one_container import NAME, SLEEP, seen, spec, started
from tests.support.running_supervisor import until
from tests.support.runtime_worlds import docker_world

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def world():
    with docker_world() as playground:
        yield playground


@pytest.fixture
def runtime(world):
    yield world.runtime
    world.runtime.stop_all()


def test_a_container_is_locked_in_and_shows_no_secret(world, runtime):
    found = started(runtime, spec(secrets={"AGENT_REDIS_URL": "redis://someone:open-sesame@host/0"}))
    facts = world.facts(found)
    host = facts["HostConfig"]
    assert facts["Image"] == agent_image()
    assert facts["Config"]["User"] == "10001:10001"
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (64 * 2**20, 64 * 2**20, 500_000_000)
    assert host["PidsLimit"] == 64
    assert (host["ReadonlyRootfs"], host["Privileged"], host["CapDrop"]) == (True, False, ["ALL"])
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["RestartPolicy"] == {"Name": "no", "MaximumRetryCount": 0}
    assert (host["Binds"], facts["Mounts"], host["PortBindings"]) == (None, [], None)
    assert list(facts["NetworkSettings"]["Networks"]) == [world.engine.network]
    assert world.engine.api.inspect_network(world.engine.network)["Internal"] is True
    assert facts["Config"]["Healthcheck"]["Test"][0] == "CMD-SHELL"
    assert "open-sesame" not in json.dumps(facts)


def test_inside_it_is_nobody_and_can_write_nowhere_that_lasts(runtime):
    look = """
import os, pathlib, sys
status = dict(line.split(":", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
print(os.getuid(), status["CapEff"].strip(), status["NoNewPrivs"].strip(), "AGENT_REDIS_URL" in os.environ)
print(oct(os.stat(os.environ["AGENT_REDIS_URL_FILE"]).st_mode), sorted(os.listdir("/sys/class/net")))
for place in ("/srv/tradinghq/x", "/opt/venv/x", "/etc/x", "/var/x"):
    try:
        open(place, "w")
    except OSError as error:
        print(error.strerror)
import importlib.util
print([name for name in ("django", "ccxt", "psycopg", "torch", "docker") if importlib.util.find_spec(name)])
"""
    runtime.start(spec(look, secrets={"AGENT_REDIS_URL": "redis://x"}))
    until(lambda: (one := seen(runtime)) and one.exit_code is not None, "the container to end")
    assert runtime.log_tail(NAME, size=2000).splitlines() == [
        "10001 0000000000000000 1 False",
        "0o100400 ['eth0', 'lo']",
        *["Read-only file system"] * 4,
        "[]",
    ]


def test_it_reaches_this_machine_and_nothing_beyond(world, runtime):
    reach = f"""
import socket
from contextlib import suppress
with socket.socket() as link:
    link.settimeout(2)
    try:
        link.connect(("192.0.2.1", 443))
    except OSError:
        print("no way")
    print(socket.create_connection(("{world.gateway}", {{port}}), 5).recv(5).decode())
"""
    with socket.create_server((world.gateway, 0)) as server:
        runtime.start(spec(reach.format(port=server.getsockname()[1])))
        server.settimeout(30)
        link, _ = server.accept()
        link.sendall(b"hello")
        link.close()
        until(lambda: (one := seen(runtime)) and one.exit_code is not None, "the container to end")
    assert runtime.log_tail(NAME, size=2000).splitlines() == ["no way", "hello"]


def test_one_that_takes_too_much_memory_is_ended_and_said_to_be(runtime):
    runtime.start(spec("x = []\nwhile True: x.append(bytearray(2**20))"))
    ended = until(lambda: (one := seen(runtime)) and not one.running and one, "the kernel to end it")
    assert (ended.out_of_memory, ended.exit_code) == (True, -9)
    assert ended.detail == "It used more than its 64M of memory and the kernel ended it."


def test_another_process_of_the_house_adopts_what_runs(world, runtime):
    found = started(runtime, spec())
    again = DockerRuntime(DockerEngine(world.engine.house), image=agent_image())
    adopted = seen(again)
    assert (adopted.handle, adopted.started_at, adopted.digest) == (found.handle, found.started_at, "d1")
    again.start(spec())
    assert seen(again).handle == found.handle
    again.stop(NAME)
    assert seen(runtime) is None


def test_containers_of_others_are_not_seen_and_never_touched(world, runtime):
    with docker_world() as neighbour:
        theirs = started(neighbour.runtime, spec())
        engine = docker.from_env()
        foreign = engine.containers.run(
            agent_image(), ["python", "-c", SLEEP], detach=True, network_mode="none", labels={NAME_LABEL: NAME}
        )
        try:
            assert list(runtime.observe()) == []
            runtime.stop(NAME)
            assert runtime.stop_all() == 0
            started(runtime, spec())
            assert runtime.stop_all() == 1
            foreign.reload()
            assert foreign.status == "running"
            assert seen(neighbour.runtime) == theirs or seen(neighbour.runtime).handle == theirs.handle
        finally:
            foreign.remove(force=True)


def test_a_name_that_somebody_else_took_is_refused_and_left_alone(world, runtime):
    foreign = docker.from_env().containers.create(
        agent_image(), ["python", "-c", SLEEP], name=f"{world.engine.network}-{NAME}"
    )
    try:
        with pytest.raises(Refused, match="that is not ours has the name") as told:
            runtime.start(spec())
        assert told.value.code == "name_taken"
        foreign.reload()
        assert foreign.status == "created"
    finally:
        foreign.remove(force=True)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"memory": "64G", "cpu": 0.5}, "beyond_host"),
        ({"memory": "64M", "cpu": 64.0}, "beyond_host"),
        ({"memory": "64M"}, "no_limits"),
        ({}, "no_limits"),
    ],
)
def test_limits_that_the_host_cannot_give_are_refused(world, runtime, limits, code):
    with pytest.raises(Refused) as told:
        runtime.start(spec(limits=limits))
    assert told.value.code == code
    assert seen(runtime) is None


def test_gpus_are_asked_of_the_engine_by_a_device_request(world, runtime, monkeypatch):
    asked, really = [], world.engine.api.create_container

    def watched(*arguments, **wishes):
        asked.append(wishes["host_config"].get("DeviceRequests"))
        return really(*arguments, **wishes)

    monkeypatch.setattr(world.engine.api, "create_container", watched)
    refusal = ""
    try:
        runtime.start(spec(limits={"memory": "64M", "cpu": 0.5, "gpu": 2}))
    except Refused as refused:  # an engine without them
        refusal = refused.code
    assert [(one["Count"], one["Capabilities"]) for one in asked[0]] == [(2, [["gpu"]])]
    assert (refusal, seen(runtime)) == ("no_gpu", None) if refusal else seen(runtime).running
    runtime.start(spec(digest="without"))
    assert asked[1] is None  # the filter before the engine takes no name that is not needed
    assert seen(runtime).running


def test_an_image_that_is_not_there_is_refused(world):
    absent = DockerRuntime(world.engine, image=f"sha256:{'0' * 64}")
    with pytest.raises(Refused, match="make images") as told:
        absent.start(spec())
    assert told.value.code == "image_missing"
    assert seen(absent) is None


def test_an_end_is_told_at_once_and_only_ours(world, runtime):
    watch = DockerRuntime(DockerEngine(world.engine.house), image=agent_image())
    found = started(runtime, spec())
    assert watch.wait_for_end(seconds=1) is False
    with docker_world() as neighbour:
        world.kill(started(neighbour.runtime, spec()), 9)
        assert watch.wait_for_end(seconds=1) is False
    world.kill(found, 9)
    assert watch.wait_for_end(seconds=30) is True


def test_an_engine_that_is_away_is_said_to_be(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    away = DockerRuntime(DockerEngine("nobody"), image=agent_image())
    with pytest.raises(NotReady) as told:
        away.observe()
    assert told.value.code == "engine_away"


def test_an_engine_whose_disk_is_full_says_so(monkeypatch, tmp_path):
    with full_engine(tmp_path / "engine.sock") as asked:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine.sock")
        runtime = DockerRuntime(DockerEngine("full"), image="sha256:1")
        with pytest.raises(NotReady, match="no space left on device") as told:
            runtime.start(spec())
    assert told.value.code == "engine_failed"
    assert asked[-1].endswith("/containers/create?name=tradinghq-full-" + NAME)  # and nothing was started
