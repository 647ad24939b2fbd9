"""The containers that the agents' desired state asks for."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apps.agents.domain.redis_rights import redis_rights, redis_user
from apps.agents.queries import DesiredAgent, desired_agents
from apps.foundation.derived_secrets import derived_secret
from apps.foundation.redis_users import RedisUser, keep_users, url_for
from apps.management.ports import ContainerSpec

PREFIX = "agent-"
ARGUMENTS = ("-m", "workers.agent_process")
# glibc keeps arenas and numpy's BLAS buffers for threads that an agent does not have.
LEAN = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


def container_name(agent_id: object) -> str:
    """The name, and so the identity, of an agent's container."""
    return f"{PREFIX}{agent_id}"


def wanted_containers(*, image: str) -> dict[str, ContainerSpec]:
    """One container for each agent that shall run, by name. No database address and no exchange's key is among it."""
    return {spec.name: spec for spec in (_spec(agent, image) for agent in desired_agents() if agent.running)}


def keep_redis_users(names: Iterable[str]) -> None:
    """Give the containers of these names their users in Redis, and no other agent one.

    Raises ``redis.RedisError`` while Redis is away, ``NotReady`` where it does not let us make users.
    """
    agents = sorted(name.removeprefix(PREFIX) for name in names)
    users = {_redis_user(agent): RedisUser(_password(agent), redis_rights(agent)) for agent in agents}
    keep_users(prefix=_redis_user(""), wanted=users)


def _spec(agent: DesiredAgent, image: str) -> ContainerSpec:
    environment = {
        "AGENT_ID": str(agent.id),
        "AGENT_STRATEGY": agent.strategy,
        "AGENT_PARAMETERS": json.dumps(agent.parameters, sort_keys=True),
        **LEAN,
    }
    address = url_for(settings.AGENT_REDIS_URL, name=_redis_user(str(agent.id)), password=_password(str(agent.id)))
    secrets = {"AGENT_REDIS_URL": address}
    parts: dict[str, Any] = {
        "image": image,
        "arguments": ARGUMENTS,
        "environment": environment,
        "secrets": secrets,
        "limits": agent.resources,
    }
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return ContainerSpec(
        name=container_name(agent.id),
        subject_id=str(agent.id),
        arguments=ARGUMENTS,
        environment=environment,
        digest=digest,
        limits=agent.resources,
        secrets=secrets,
    )


def _redis_user(agent: str) -> str:
    return redis_user(agent, database=int(urlsplit(settings.REDIS_URL).path.strip("/") or 0))


def _password(agent: str) -> str:
    return derived_secret("redis", _redis_user(agent))
