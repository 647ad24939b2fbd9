"""The filter before the engine in ``docker/compose.yaml``: the fleet's runtime works through it, nothing more does."""

import shutil
import subprocess
from contextlib import suppress

import docker
import pytest
from docker.errors import APIError, DockerException
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
LOCKED_IN = {"read_only": True, "cap_drop": ["ALL"]}


@pytest.fixture(scope="module")
def world():
    with docker_world() as playground:
        yield playground


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    """The address of the proxy, as compose starts it but on loopback."""
    program = shutil.which("haproxy")
    if program is None:
        skip_or_fail("haproxy", "HAProxy is not installed (apt install haproxy).")
    port = free_port()
    file = tmp_path_factory.mktemp("proxy") / "haproxy.cfg"
    file.write_text(CONFIGURATION.read_text().replace("bind :2375", f"bind 127.0.0.1:{port}"))
    process = subprocess.Popen([program, "-W", "-db", "-f", str(file)], stdout=subprocess.DEVNULL)
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


def refused(act) -> bool:
    with pytest.raises(APIError) as told:
        act()
    return told.value.status_code == 403


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


@pytest.mark.parametrize(
    "changed",
    [
        {"privileged": True},
        {"binds": ["/:/host"]},
        {"pid_mode": "host"},
        {"cap_add": ["SYS_ADMIN"]},
        {"devices": ["/dev/null:/dev/null:rwm"]},
        {"read_only": False},
        {"cap_drop": []},
        {"network_mode": "host"},
    ],
)
def test_a_container_that_is_not_locked_in_is_not_created(world, proxied, changed):
    config = proxied.create_host_config(**{"network_mode": world.engine.network, **LOCKED_IN, **changed})
    assert refused(lambda: proxied.create_container(agent_image(), ["true"], user="10001:10001", host_config=config))


def test_one_that_is_locked_in_is_created_and_removed(world, proxied):
    config = proxied.create_host_config(network_mode=world.engine.network, **LOCKED_IN)
    made = proxied.create_container(agent_image(), ["true"], user="10001:10001", host_config=config)
    proxied.remove_container(made["Id"])


def test_nor_one_of_root_nor_one_whose_request_hides_a_name(world, proxied):
    config = proxied.create_host_config(network_mode=world.engine.network, **LOCKED_IN)
    assert refused(lambda: proxied.create_container(agent_image(), ["true"], host_config=config))
    text = (
        '{"User": "10001:10001", "HostConfig": {"Priv\\u0069leged": true, "ReadonlyRootfs": true, "CapDrop": ["ALL"]}}'
    )
    answer = proxied.post(
        f"{proxied.base_url}/v1.41/containers/create", data=text, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 403


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
