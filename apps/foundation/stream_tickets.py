"""Tickets for the WebSocket: a browser can't send a header there. Random, single use, 30 seconds, kept in Redis."""

import secrets
from dataclasses import dataclass
from uuid import UUID

import orjson
import redis

from apps.foundation import redis_pool
from apps.foundation.errors import NotReady
from apps.foundation.permissions import Role

LIFE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class StreamPass:
    """Who a ticket lets in, and for how long: as long as the session holds."""

    session_id: UUID
    user_id: int
    username: str
    role: Role


def issue_ticket(bearer: StreamPass) -> str:
    """A new ticket for this session. Raises ``NotReady`` ``redis_away``."""
    ticket = secrets.token_urlsafe(32)
    content = orjson.dumps(
        {
            "session_id": bearer.session_id,
            "user_id": bearer.user_id,
            "username": bearer.username,
            "role": bearer.role.value,
        }
    )
    try:
        redis_pool.client().set(_key(ticket), content, ex=LIFE_SECONDS)
    except redis.RedisError as error:
        raise NotReady("Live updates need Redis, which is away. Try again soon.", code="redis_away") from error
    return ticket


def redeem_ticket(ticket: str) -> StreamPass | None:
    """Who the ticket lets in; None when it is unknown, used or expired. Raises ``redis.RedisError``."""
    content = redis_pool.client().getdel(_key(ticket[:100]))
    if content is None:
        return None
    found = orjson.loads(content)
    return StreamPass(UUID(found["session_id"]), found["user_id"], found["username"], Role(found["role"]))


def _key(ticket: str) -> str:
    return f"auth:ticket:{ticket}"
