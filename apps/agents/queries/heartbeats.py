"""What running agents say of themselves in Redis: that they live and make progress."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from redis import RedisError

from apps.foundation import redis_pool


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """The last sign of life of each agent; ``known`` is false while Redis is away, when nothing can be said."""

    known: bool
    beats: dict[UUID, dict[str, Any]]


def heartbeat_key(agent_id: object) -> str:
    return f"agent.{agent_id}.beat"


def heartbeats(agent_ids: Sequence[UUID]) -> Heartbeats:
    """The beats of these agents; one that has none is left out."""
    if not agent_ids:
        return Heartbeats(True, {})
    try:
        texts = redis_pool.quick_client().mget([heartbeat_key(agent_id) for agent_id in agent_ids])
    except RedisError:
        return Heartbeats(False, {})
    beats = {agent_id: _parsed(str(text)) for agent_id, text in zip(agent_ids, texts, strict=True) if text}
    return Heartbeats(True, {agent_id: beat for agent_id, beat in beats.items() if beat is not None})


def _parsed(text: str) -> dict[str, Any] | None:
    """An agent is foreign code: what is no JSON object of its form counts as no beat."""
    try:
        beat = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return beat if isinstance(beat, dict) and _is_time(beat.get("at")) else None


def _is_time(text: object) -> bool:
    try:
        return isinstance(text, str) and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
