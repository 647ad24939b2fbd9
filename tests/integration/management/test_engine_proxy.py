"""The filter before the engine in ``docker/compose.yaml``: the fleet's runtime works through it, nothing more does."""

import json
import os
import shutil
import subprocess
from contextlib import suppress

import docker
import pytest
from docker.errors import DockerException
from requests.exceptions import RequestException

from apps.foundation.errors import Refused
from apps.management.adapters.docker_engine import DockerEngine
from apps.management.adapters.docker_runtime import DockerRuntime
from tests.integration.management.test_docker_runtime import seen, spec
from tests.support.agent_image import agent_image
from tests.support.requirements import skip_or_fail
from tests.support.running_firm import ROOT, free_port
from tests.support.running_supervisor import until
from tests.support.runtime_worlds import docker_world

pytestmark = pytest.mark.docker
CONFIGURATION = ROOT / "docker" / "compose" / "engine-proxy.cfg"
MORE_THAN_IT_READS = 100_000


@pytest.fixture(scope="module")
def world():
    with docker_world() as playground:
        yield playground


@pytest.fixture(scope="module")
def proxied(world, tmp_path_factory):
    """The engine through the proxy, as compose starts it but on loopback and for the tests' network."""
    program = shutil.which("haproxy")
    if program is None:
        skip_or_fail("haproxy", "HAProxy is not installed (apt install haproxy).")
    port = free_port()
    file = tmp_path_factory.mktemp("proxy") / "haproxy.cfg"
    file.write_text(CONFIGURATION.read_text().replace("bind :2375", f"bind 127.0.0.1:{port}"))
    told = {"HQ_AGENT_IMAGE": agent_image(), "HQ_AGENT_NETWORK": world.engine.network}
    process = subprocess.Popen(
        [program, "-W", "-db", "-f", str(file)], env=os.environ | told, stdout=subprocess.DEVNULL
    )
    address = f"tcp://127.0.0.1:{port}"
    try:
        until(lambda: _answers(address), "the proxy to pass a question on")
        yield docker.APIClient(base_url=address, version="auto")
    finally:
        process.terminate()
        process.wait(10)


def _answers(address: str) -> bool:
    with suppress(DockerException, RequestException):
        return docker.APIClient(base_url=address, version="1.41").ping()
    return False


def locked_in(world, **changes) -> dict:
    """A request for a container as the fleet writes it, less what may be anything; ``changes`` are of its host."""
    host = {
        "NetworkMode": world.engine.network,
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "IpcMode": "private",
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
        "RestartPolicy": {"Name": "no"},
        "Memory": 64 * 2**20,
        "NanoCpus": 500_000_000,
        "PidsLimit": 64,
    }
    return {"Image": agent_image(), "User": "10001:10001", "Cmd": ["true"], "HostConfig": host | changes}


def post(proxied, path: str, body) -> int:
    """The status of the answer to ``body``: text, or pieces of it that come without a length told before."""
    data = body.encode() if isinstance(body, str) else body
    answer = proxied.post(f"{proxied.base_url}{path}", data=data, headers={"Content-Type": "application/json"})
    if answer.status_code == 201 and path.endswith("/create"):
        proxied.remove_container(answer.json()["Id"])
    return int(answer.status_code)


def create(proxied, body) -> int:
    return post(proxied, "/v1.41/containers/create", body if isinstance(body, str) else json.dumps(body))


def test_the_fleets_runtime_works_through_it(world, proxied, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", proxied.base_url.replace("http", "tcp"))
    runtime = DockerRuntime(DockerEngine(world.engine.house), image=agent_image())
    wish = spec(
        "import os, time; print(open(os.environ['WORD_FILE']).read(), flush=True); time.sleep(600)",
        secrets={"WORD": "open sesame"},
    )
    runtime.start(wish)
    until(lambda: runtime.log_tail(wish.name, size=100).startswith("open sesame"), "the secret to arrive")
    assert seen(runtime).running
    assert until(lambda: seen(runtime).memory_bytes, "its memory") > 0
    runtime.stop(wish.name)
    assert seen(runtime) is None


def test_one_that_is_locked_in_is_created_and_removed(world, proxied):
    assert create(proxied, locked_in(world)) == 201


@pytest.mark.parametrize(
    "changed",
    [
        {"Privileged": True},
        {"Binds": ["/:/host"]},
        {"Mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}]},
        {"PidMode": "host"},
        {"IpcMode": "host"},
        {"CapAdd": ["SYS_ADMIN"]},
        {"CapDrop": []},
        {"Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/null", "CgroupPermissions": "rwm"}]},
        {"ReadonlyRootfs": False},
        {"NetworkMode": "host"},
        {"NetworkMode": "bridge"},
        {"SecurityOpt": []},
        {"SecurityOpt": ["no-new-privileges:true", "seccomp=unconfined"]},
        {"MaskedPaths": []},
        {"Sysctls": {"net.ipv4.ip_forward": "1"}},
        {"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}},
        {"LogConfig": {"Type": "syslog", "Config": {"syslog-address": "tcp://192.0.2.1:514"}}},
        {"RestartPolicy": {"Name": "always"}},
        {"Memory": 0},
        {"NanoCpus": 0},
        {"PidsLimit": 0},
    ],
)
def test_one_that_is_not_locked_in_is_not_created(world, proxied, changed):
    assert create(proxied, locked_in(world, **changed)) == 403


@pytest.mark.parametrize(
    "changed",
    [
        {"User": ""},
        {"User": "0:0"},
        {"Image": "python:3.11-slim-bookworm"},
        {"Image": "sha256:" + "0" * 64},
        {"NetworkingConfig": {"EndpointsConfig": {"bridge": {}}}},
        {"Volumes": {"/host": {}}},
    ],
)
def test_nor_one_of_another_image_user_or_network(world, proxied, changed):
    assert create(proxied, locked_in(world) | changed) == 403


@pytest.mark.parametrize(
    "more",
    [
        '"User": "0:0"',  # the engine takes the last, the filter the first
        '"user": "0:0"',  # the engine reads names in any case
        '"u\u017fer": "0:0"',  # and this letter as an s
        '"U\\u0073er": "0:0"',
        '"HostConfig": {}',
        '"Env": ["' + "x" * MORE_THAN_IT_READS + '"]',
    ],
)
def test_nor_one_that_says_another_thing_where_the_filter_might_not_look(world, proxied, more):
    text = json.dumps(locked_in(world))
    assert create(proxied, f"{text[:-1]}, {more}}}") == 403


def test_nor_one_whose_length_is_not_told(world, proxied):
    pieces = iter([json.dumps(locked_in(world)).encode()])
    assert post(proxied, "/v1.41/containers/create", pieces) == 403


def test_rights_are_not_given_at_the_start_either(proxied):
    more = json.dumps({"Privileged": True})
    assert post(proxied, "/v1.22/containers/x/start", "") == 403  # up to 1.23 it took them there
    assert post(proxied, "/v1.41/containers/x/start", more) == 403
    assert post(proxied, "/v1.41/containers/x/start", "") == 404


def test_whatever_else_the_engine_can_do_is_refused(proxied):
    for method, path in (
        ("GET", "/images/json"),
        ("GET", "/secrets"),
        ("GET", "/v1.41/containers/x/archive"),
        ("POST", "/v1.41/build"),
        ("POST", "/v1.41/images/create"),
        ("POST", "/v1.41/containers/x/exec"),
        ("POST", "/v1.41/containers/x/update"),
        ("POST", "/v1.41/volumes/create"),
        ("DELETE", "/v1.41/images/x"),
        ("PUT", "/v1.41/containers/x/archive"),
        ("GET", "/v1.41/containers/../images/json"),
    ):
        assert proxied.request(method, f"{proxied.base_url}{path}").status_code == 403, f"{method} {path}"


def test_what_the_engine_refuses_is_told_as_ever(world, proxied, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", proxied.base_url.replace("http", "tcp"))
    runtime = DockerRuntime(DockerEngine(world.engine.house), image="sha256:" + "0" * 64)
    with pytest.raises(Refused) as told:
        runtime.start(spec())
    assert told.value.code == "image_missing"
