"""Where an agent's questions come from: a list of its own in Redis, which the house appends to.

A message is gone once it was taken: a question is worth nothing after its round, so nothing is given back or repeated.
"""

from typing import Any

import orjson
import redis

from workers.agent_process.agent_settings import AgentSettings

WAIT_SECONDS = 1.0  # how soon a request to end is noticed
REDIS_SECONDS = 3.0


class QuestionReader:
    """Reads as one agent."""

    def __init__(self, settings: AgentSettings) -> None:
        self._queue = settings.queue
        self._redis = redis.Redis.from_url(
            settings.redis_url,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            socket_keepalive=True,
        )

    def next_questions(self) -> list[dict[str, Any]]:
        """The oldest message's questions; none where none comes within a second.

        Raises ``redis.RedisError`` while Redis is away, ``ValueError`` for a message that is none, which is gone.
        """
        found = self._redis.blpop([self._queue], timeout=WAIT_SECONDS)
        if found is None:
            return []
        message = orjson.loads(found[1])
        questions = message.get("questions") if isinstance(message, dict) else None
        if not isinstance(questions, list) or not all(isinstance(question, dict) for question in questions):
            raise ValueError("A message must hold a list of questions.")
        return questions
