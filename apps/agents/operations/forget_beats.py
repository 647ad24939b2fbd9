"""Take away the sign of life of agents whose processes have ended: until it expired they would look alive."""

from collections.abc import Collection
from uuid import UUID

import structlog
from redis import RedisError

from apps.agents.queries.heartbeats import heartbeat_key
from apps.foundation import after_commit, redis_pool

log = structlog.get_logger(__name__)


def forget_beats(agent_ids: Collection[UUID]) -> None:
    """Delete the last beat of each at commit. What a Redis that is away keeps expires by itself."""
    if agent_ids:
        after_commit.run(lambda: _delete(agent_ids))


def _delete(agent_ids: Collection[UUID]) -> None:
    try:
        redis_pool.quick_client().delete(*(heartbeat_key(agent_id) for agent_id in agent_ids))
    except RedisError as error:
        log.warning("beats_not_forgotten", agents=len(agent_ids), reason=str(error))
