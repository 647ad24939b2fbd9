"""Whether a signed-in session still holds, cheaply on every request, and telling the sockets when one ends.

PostgreSQL decides. Redis holds the ids revoked within the life of an access token and is filled from PostgreSQL again
every 30 s by whichever request comes first, so that a Redis that was away or lost forgets nobody for longer. While
Redis is away PostgreSQL is asked directly.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import redis
import structlog
from channels.layers import get_channel_layer
from django.conf import settings

from apps.foundation import redis_pool
from apps.foundation.clock import wall_now
from apps.foundation.live_updates import GROUP
from apps.foundation.models import AuthSession

MESSAGE_TYPE = "hub.revoked"
_LOADED = "auth:revocations_loaded"
_LOADED_SECONDS = 30
_MARGIN = timedelta(minutes=1)
log = structlog.get_logger(__name__)


def is_revoked(session_id: UUID) -> bool:
    """Whether this session was ended. One round trip to Redis, or one query without it."""
    try:
        answers: Any = redis_pool.quick_client().mget(_LOADED, _key(session_id))
        loaded, found = answers
        if loaded is None:
            _load()
            found = redis_pool.quick_client().get(_key(session_id))
    except redis.RedisError:
        return session_id not in living([session_id])
    return found is not None


def living(session_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the sessions that exist and were not revoked, asked of PostgreSQL."""
    found = AuthSession.objects.filter(pk__in=list(session_ids), revoked_at__isnull=True, user__is_active=True)
    return set(found.values_list("pk", flat=True))


def announce(session_ids: Iterable[UUID]) -> None:
    """After the commit that ended them: refuse these sessions' access tokens at once and close their sockets.

    Redis away: logged; the tokens end with the next load or by their age, and the hubs ask PostgreSQL themselves.
    """
    ids = list(session_ids)
    if not ids:
        return
    layer: Any = get_channel_layer()
    message = layer.serialize({"type": MESSAGE_TYPE, "session_ids": [str(each) for each in ids]})
    config: Any = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    try:
        pipe = redis_pool.client().pipeline(transaction=False)
        for each in ids:
            pipe.set(_key(each), 1, ex=_token_life())
        pipe.publish(f"{config['prefix']}__group__{GROUP}", message)
        pipe.execute()
    except redis.RedisError as error:
        log.warning("revocation_not_announced", sessions=len(ids), reason=str(error))


def _load() -> None:
    pipe = redis_pool.quick_client().pipeline(transaction=True)
    for each in _lately_revoked(wall_now()):
        pipe.set(_key(each), 1, ex=_token_life())
    pipe.set(_LOADED, 1, ex=_LOADED_SECONDS)
    pipe.execute()


def _lately_revoked(wall: datetime) -> list[UUID]:
    since = wall - timedelta(seconds=_token_life())
    return list(AuthSession.objects.filter(revoked_at__gte=since).values_list("pk", flat=True))


def _token_life() -> int:
    lifetime: timedelta = settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]
    return int((lifetime + _MARGIN).total_seconds())


def _key(session_id: UUID) -> str:
    return f"auth:revoked:{session_id}"
