"""Questions on their way to the agents: each agent's are one message at the end of its own list in Redis.

No Celery message: an agent is nothing but a reader of one list, and its container need not know what a task is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from redis import RedisError

from apps.foundation import after_commit, redis_pool
from apps.foundation.metrics import WAKE_UPS_LOST

LONGEST_QUEUE: Final = 20  # messages: older ones of an agent that doesn't read are past their deadlines
FORGOTTEN_SECONDS: Final = 3_600
log = structlog.get_logger(__name__)


def ask_agents(questions: Mapping[UUID, Sequence[Mapping[str, Any]]]) -> None:
    """Send each agent its questions once this transaction has committed, all in one round trip.

    While Redis is away they are logged and counted as lost: the rounds close at their deadline without these votes. A
    silent Redis is waited for a second.
    """
    if questions:
        after_commit.run(lambda: _send(questions))


def _send(questions: Mapping[UUID, Sequence[Mapping[str, Any]]]) -> None:
    try:
        pipeline = redis_pool.raw_client().pipeline(transaction=False)
        for agent_id, asked in questions.items():
            queue = f"agent.{agent_id}"
            pipeline.rpush(queue, orjson.dumps({"questions": asked}))
            pipeline.ltrim(queue, -LONGEST_QUEUE, -1)
            pipeline.expire(queue, FORGOTTEN_SECONDS)
        pipeline.execute()
    except RedisError as error:
        WAKE_UPS_LOST.labels(task="agents asked").inc()
        log.warning("agents_not_asked", agents=len(questions), reason=str(error))
