"""The containers that the agents' desired state asks for."""

import hashlib
import json
import sys
from typing import Any

from django.conf import settings

from apps.agents.queries import DesiredAgent, desired_agents
from apps.management.ports import ContainerSpec

PREFIX = "agent-"
COMMAND = (sys.executable, "-m", "workers.agent_process")
# glibc keeps arenas and numpy's BLAS buffers for threads that an agent does not have.
LEAN = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


def container_name(agent_id: object) -> str:
    """The name, and so the identity, of an agent's container."""
    return f"{PREFIX}{agent_id}"


def wanted_containers() -> dict[str, ContainerSpec]:
    """One container for each agent that shall run, by name. No database address and no exchange's key is among it."""
    return {spec.name: spec for spec in (_spec(agent) for agent in desired_agents() if agent.running)}


def _spec(agent: DesiredAgent) -> ContainerSpec:
    environment = {
        "AGENT_ID": str(agent.id),
        "AGENT_STRATEGY": agent.strategy,
        "AGENT_PARAMETERS": json.dumps(agent.parameters, sort_keys=True),
        "AGENT_REDIS_URL": settings.REDIS_URL,
        **LEAN,
    }
    parts: dict[str, Any] = {"argv": COMMAND, "environment": environment, "limits": agent.resources}
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return ContainerSpec(
        name=container_name(agent.id),
        subject_id=str(agent.id),
        argv=COMMAND,
        environment=environment,
        digest=digest,
        limits=agent.resources,
    )
