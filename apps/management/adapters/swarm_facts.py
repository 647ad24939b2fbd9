"""What a swarm says of a service and its newest task, in the fleet's words. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from apps.management.adapters.docker_engine import DIGEST_LABEL, NAME_LABEL
from apps.management.adapters.docker_facts import Use, exit_status, observed
from apps.management.ports import ObservedContainer

COMING = frozenset({"new", "allocated", "pending", "assigned", "accepted", "preparing", "ready", "starting"})
RUNNING = "running"
NOT_PLACED = "The swarm has not placed it on a host yet."


def newest_tasks(tasks: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The newest task of each service, by the service's id."""
    found: dict[str, Mapping[str, Any]] = {}
    for task in sorted(tasks, key=lambda each: datetime.fromisoformat(each["CreatedAt"])):
        found[task["ServiceID"]] = task
    return found


def state_of(task: Mapping[str, Any] | None) -> str:
    """``new`` where there is no task yet; ``lost`` where the swarm gave it up with its host, which can't say so."""
    if task is None:
        return "new"
    state = str(task["Status"]["State"])
    return "lost" if state == RUNNING and task.get("DesiredState") not in {None, RUNNING} else state


def is_left(task: Mapping[str, Any]) -> bool:
    """Whether a task that shall end has not ended, or has and the swarm has yet to forget it."""
    return task["Status"]["State"] in {RUNNING, *COMING} or task.get("DesiredState") == "remove"


def container_of(task: Mapping[str, Any] | None) -> str:
    """The id of its container; empty before there is one."""
    status = {} if task is None else task["Status"]
    return str((status.get("ContainerStatus") or {}).get("ContainerID") or "")


def observed_service(
    service: Mapping[str, Any], task: Mapping[str, Any] | None, facts: Mapping[str, Any] | None, use: Use
) -> ObservedContainer:
    """``facts`` as ``docker inspect`` gives them, where the container is on this host; else what the swarm knows.

    Of a container on another host nobody knows here what it uses, nor whether it ran out of memory.
    """
    labels = service["Spec"]["Labels"]
    name, digest = labels[NAME_LABEL], labels[DIGEST_LABEL]
    if facts is not None:
        return observed(facts, name=name, digest=digest, use=use)
    state = state_of(task)
    status = {} if task is None else task["Status"]
    code = (status.get("ContainerStatus") or {}).get("ExitCode")
    ended = state not in COMING and state != RUNNING
    return ObservedContainer(
        name=name,
        digest=digest,
        running=state == RUNNING,
        handle=container_of(task),
        started_at=datetime.fromisoformat(status["Timestamp"]) if state == RUNNING else None,
        exit_code=exit_status(int(code)) if ended and code is not None else None,
        detail=status.get("Err") or (NOT_PLACED if state in COMING else f"The swarm says: {state}."),
        memory_bytes=None,
        cpu_percent=None,
    )
