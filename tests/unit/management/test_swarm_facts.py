"""What a swarm says of a container on another host, in the fleet's words."""

import pytest

from apps.management.adapters.docker_facts import Use
from apps.management.adapters.swarm_facts import is_left, newest_tasks, observed_service

SERVICE = {"ID": "s1", "Spec": {"Labels": {"org.tradinghq.name": "agent-1", "org.tradinghq.digest": "d1"}}}


def task(state, *, at="2026-11-28T12:00:00.1Z", wanted="running", **status):
    told = {"State": state, "Timestamp": "2026-11-28T12:00:01Z", **status}
    return {"ServiceID": "s1", "CreatedAt": at, "DesiredState": wanted, "NodeID": "n2", "Status": told}


def seen(one):
    return observed_service(SERVICE, one, None, Use())


def test_the_newest_task_counts():
    old, new = task("failed"), task("running", at="2026-11-28T12:00:00.12Z")
    assert newest_tasks([new, old]) == {"s1": new}


@pytest.mark.parametrize(
    ("one", "left"),
    [
        (task("running", wanted="remove"), True),
        (task("pending", wanted="running"), True),
        (task("shutdown", wanted="remove"), True),  # ended, and about to be forgotten
        (task("shutdown", wanted="shutdown"), False),
        (task("failed", wanted="shutdown"), False),
    ],
)
def test_one_that_shall_end_is_left_until_the_swarm_has_forgotten_it(one, left):
    assert is_left(one) == left


@pytest.mark.parametrize(
    ("one", "running", "exit_code", "detail"),
    [
        (None, False, None, "has not placed it"),
        (task("pending", Err="no suitable node"), False, None, "no suitable node"),
        (task("running", ContainerStatus={"ContainerID": "c1", "ExitCode": 0}), True, None, "running"),
        (task("failed", Err="task: non-zero exit (137)", ContainerStatus={"ExitCode": 137}), False, -9, "exit (137)"),
        (task("complete", ContainerStatus={"ExitCode": 0}), False, 0, "complete"),
        (task("running", wanted="shutdown"), False, None, "lost"),
    ],
)
def test_each_state_in_words(one, running, exit_code, detail):
    found = seen(one)
    assert (found.name, found.digest, found.running, found.exit_code) == ("agent-1", "d1", running, exit_code)
    assert detail in found.detail
    assert (found.started_at is not None) == running
