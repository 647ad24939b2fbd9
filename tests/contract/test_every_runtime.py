"""What every container runtime must do. Each runtime there is runs the same tests."""

import signal
from functools import partial

import psutil
import pytest

from apps.management.ports import ContainerSpec
from tests.support.running_supervisor import until as until_within
from tests.support.runtime_worlds import docker_world, process_world, swarm_world

NAME = "agent-00000000-0000-4000-8000-000000000001"
TALK = "import time; print('hello from the container', flush=True); time.sleep(600)"
TELL = """
import os, time
file = os.environ.get("WORD_FILE")
print("told:", open(file).read() if file else os.environ["WORD"], flush=True)
time.sleep(600)
"""
WORLDS = {"process": process_world, "docker": docker_world, "swarm": swarm_world}
until = partial(until_within, seconds=120)  # an engine that shares its processors starts a container in half a minute
MARKED = [pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("docker", "swarm")]


@pytest.fixture(scope="module", params=["process", *MARKED])
def world(request):
    with WORLDS[request.param]() as playground:
        yield playground


@pytest.fixture
def runtime(world):
    yield world.runtime
    for one in world.runtime.observe():
        world.runtime.stop(one.name)


def spec(
    code: str = TALK, *, name: str = NAME, digest: str = "d1", word: str | None = None, **environment: str
) -> ContainerSpec:
    return ContainerSpec(
        name=name,
        subject_id=name.removeprefix("agent-"),
        arguments=("-c", code),
        environment=environment,
        digest=digest,
        limits={"memory": "64M", "cpu": 0.5},
        secrets={} if word is None else {"WORD": word},
    )


def seen(runtime, name: str = NAME):
    return next((one for one in runtime.observe() if one.name == name), None)


def running(runtime, name: str = NAME):
    found = seen(runtime, name)
    return found if found and found.running and found.handle else None


def test_what_is_started_runs_and_can_be_measured(runtime):
    runtime.start(spec())
    found = until(lambda: running(runtime), "the container to run")
    assert (found.name, found.digest, found.exit_code) == (NAME, "d1", None)
    assert found.started_at is not None
    until(lambda: (now := running(runtime)) and now.memory_bytes > 100_000, "its memory to be measured")
    until(lambda: "hello from the container" in runtime.log_tail(NAME, size=1000), "its output")


def test_it_gets_its_own_environment_and_nothing_else(world, runtime, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    given = {"AGENT_ID": "7", "AGENT_PARAMETERS": '{"text": "100% \'quoted\' \\"so\\", and more; # all"}'}
    runtime.start(spec(**given))
    found = until(lambda: running(runtime), "the container to run")
    assert world.environment(found) == given


def test_a_secret_reaches_the_program_at_every_start(world, runtime):
    runtime.start(spec(TELL, word="open sesame"))
    found = until(lambda: running(runtime), "the container to run")
    until(lambda: runtime.log_tail(NAME, size=1000).count("told: open sesame") == 1, "the program to have it")
    world.kill(found, signal.SIGKILL)
    _comes_back(world, runtime, found, spec(TELL, word="open sesame"))
    until(lambda: runtime.log_tail(NAME, size=1000).count("told: open sesame") == 2, "it to have it again")


def test_stopping_removes_it_and_stopping_again_does_nothing(world, runtime):
    runtime.start(spec())
    pid = world.pid(until(lambda: running(runtime), "the container to run"))
    runtime.stop(NAME)
    assert seen(runtime) is None
    assert not psutil.pid_exists(pid)
    runtime.stop(NAME)


def test_one_that_ignores_the_polite_signal_is_stopped_too(world, runtime):
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )
    runtime.start(spec(stubborn))
    until(lambda: "up" in runtime.log_tail(NAME, size=1000)[-5:], "its output")
    pid = world.pid(running(runtime))
    runtime.stop(NAME)
    assert not psutil.pid_exists(pid)


def test_a_killed_one_comes_back_with_a_new_start(world, runtime):
    runtime.start(spec())
    before = until(lambda: running(runtime), "the container to run")
    world.kill(before, signal.SIGKILL)
    after = _comes_back(world, runtime, before, spec())
    assert after.started_at >= before.started_at


def _comes_back(world, runtime, before, again):
    """A supervisor starts it by itself; an engine says how it ended, and the fleet starts it."""
    if not world.restarts_itself:
        ended = until(lambda: (one := seen(runtime)) and not one.running and one, "the engine to say that it ended")
        assert (ended.exit_code, ended.detail) == (-signal.SIGKILL, "It was ended by signal 9.")
        runtime.start(again)
        return until(lambda: (one := running(runtime)) and one.started_at > before.started_at and one, "it to run")
    return until(lambda: (one := running(runtime)) and one.handle != before.handle and one, "another process")


def test_one_that_always_ends_is_given_up_and_says_how_it_ended(runtime):
    runtime.start(spec("raise SystemExit(3)"))
    ended = until(lambda: (one := seen(runtime)) and not one.running and one, "the tries to end")
    assert ended.exit_code in {3, None}  # a runtime may not know how one ended that ended at once, but never says 0
    assert ended.detail


def test_one_that_ended_can_be_started_again_with_other_settings(runtime):
    runtime.start(spec("raise SystemExit(3)"))
    until(lambda: (one := seen(runtime)) and not one.running, "the tries to end")
    runtime.stop(NAME)
    runtime.start(spec(digest="d2"))
    assert until(lambda: running(runtime), "the container to run").digest == "d2"


def test_containers_live_side_by_side(runtime):
    other = "agent-00000000-0000-4000-8000-000000000002"
    runtime.start(spec())
    runtime.start(spec(name=other))
    until(lambda: running(runtime) and running(runtime, other), "both to run")
    runtime.stop(NAME)
    assert seen(runtime) is None
    assert running(runtime, other)


def test_an_unknown_log_is_empty(runtime):
    assert runtime.log_tail("agent-unknown", size=100) == ""
