"""Containers as the API and the screens show them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from apps.agents.queries import desired_agents
from apps.foundation.time_text import utc_text
from apps.management.models import Container

NOT_ENFORCED = "not enforced"


def container_view(row: Container, agent_names: dict[Any, str] | None = None) -> dict[str, Any]:
    """One container. Limits that the runtime can't hold say so."""
    return {
        "name": row.name,
        "kind": row.kind,
        "agent_id": str(row.subject_id),
        "agent": (agent_names or {}).get(row.subject_id),
        "runtime": row.runtime,
        "health": row.health,
        "reason": row.reason,
        "wanted": row.wanted,
        "handle": row.handle,
        "digest": row.digest,
        "started_at": utc_text(row.started_at),
        "observed_at": utc_text(row.observed_at),
        "heartbeat_at": utc_text(row.beat_at),
        "votes": row.votes,
        "exit_code": row.exit_code,
        "restarts": row.restarts,
        "quarantined_at": utc_text(row.quarantined_at),
        "memory_bytes": row.memory_bytes,
        "cpu_percent": row.cpu_percent,
        "limits": row.limits,
        "limits_state": "enforced" if row.limits_enforced else NOT_ENFORCED,
    }


def named_containers(rows: Iterable[Container]) -> list[dict[str, Any]]:
    """These containers with their agents' names, in their order."""
    names = {agent.id: agent.name for agent in desired_agents()}
    return [container_view(row, names) for row in rows]


def container_of(agent_id: UUID) -> dict[str, Any] | None:
    """The container of one agent; None before the fleet first saw one."""
    row = Container.objects.filter(subject_id=agent_id).first()
    return None if row is None else named_containers([row])[0]


def container_views() -> list[dict[str, Any]]:
    """Every container that is wanted or still runs, by name."""
    return named_containers(row for row in Container.objects.order_by("name") if row.wanted or row.handle)
