"""The process's one Redis client. Redis may be away at any time: callers treat ``redis.RedisError`` as "not now"."""

from functools import lru_cache

from django.conf import settings
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 10.0  # also bounds a blocking read: BLOCK must stay below
QUICK_SECONDS = 1.0


@lru_cache(maxsize=1)
def client() -> Redis:
    """A thread-safe client of ``REDIS_URL`` that answers with text.

    One quick retry replaces a connection that a restart of Redis broke; the library's own default blocks for seconds.
    """
    return Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        socket_keepalive=True,
        retry=Retry(ConstantBackoff(0.05), 1),
        client_name="tradinghq",
    )


def quick_client() -> Redis:
    """For what a request, an order or a bar waits for and can do without: a silent Redis costs it a second."""
    return _quick(client(), text=True)


def raw_client() -> Redis:
    """The quick client for what is no text: it answers with bytes."""
    return _quick(client(), text=False)


@lru_cache(maxsize=2)
def _quick(_: Redis, *, text: bool) -> Redis:
    """Of the same address as the client at hand, whenever that is another one."""
    return Redis.from_url(
        settings.REDIS_URL,
        decode_responses=text,
        socket_connect_timeout=QUICK_SECONDS,
        socket_timeout=QUICK_SECONDS,
        socket_keepalive=True,
        retry=Retry(ConstantBackoff(0.05), 1, supported_errors=(RedisConnectionError,)),
        client_name="tradinghq-quick" if text else "tradinghq-raw",
    )
