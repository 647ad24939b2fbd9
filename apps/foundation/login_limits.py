"""Failed sign-ins are counted by address and by user name, in Redis, shared by all processes.

Decision: while Redis is away sign-in goes on uncounted, is logged and shown as a metric. A person must be able to sign
in and press stop while Redis is down; slow password hashing and the loopback default bound what a guesser gains.
"""

from functools import lru_cache

import redis
import structlog
from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from prometheus_client import Counter

from apps.foundation import redis_pool
from apps.foundation.errors import Refused

BY_ADDRESS = RateLimitItemPerMinute(30, 5)
BY_NAME_AND_ADDRESS = RateLimitItemPerMinute(8, 5)
BY_NAME = RateLimitItemPerHour(100)
UNCOUNTED = Counter("hq_logins_uncounted_total", "Sign-ins that were not limited because Redis was away.")
log = structlog.get_logger(__name__)


class TooManyAttempts(Refused):
    """Too many failed sign-ins; ``facts["retry_after"]`` is in seconds."""

    code = "too_many_attempts"
    status = 429


def refuse_too_many(*, username: str, address: str) -> None:
    """Raise ``TooManyAttempts`` when this name or address has failed too often lately."""
    try:
        limiter = _limiter()
        for limit, *key in _limits(username, address):
            if not limiter.test(limit, *key):
                wait = max(1, int(limiter.get_window_stats(limit, *key).reset_time - _redis_seconds()))
                raise TooManyAttempts(f"Too many failed sign-ins. Try again in {wait} s.", retry_after=wait)
    except (redis.RedisError, StorageError) as error:
        UNCOUNTED.inc()
        log.warning("login_not_limited", reason=str(error))


def count_failure(*, username: str, address: str) -> None:
    """Count one failed sign-in."""
    try:
        for limit, *key in _limits(username, address):
            _limiter().hit(limit, *key)
    except (redis.RedisError, StorageError) as error:
        UNCOUNTED.inc()
        log.warning("login_failure_not_counted", reason=str(error))


def _limits(username: str, address: str) -> list[tuple[RateLimitItem, str, str] | tuple[RateLimitItem, str, str, str]]:
    name = username.casefold()[:150]
    return [
        (BY_ADDRESS, "login-address", address),
        (BY_NAME_AND_ADDRESS, "login-both", name, address),
        (BY_NAME, "login-name", name),
    ]


def _redis_seconds() -> float:
    return float(redis_pool.client().time()[0])


@lru_cache(maxsize=1)
def _limiter() -> MovingWindowRateLimiter:
    storage = storage_from_string(
        settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=5, key_prefix="hq-limits", wrap_exceptions=True
    )
    return MovingWindowRateLimiter(storage)
