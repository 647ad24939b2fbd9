"""The rate of requests to one exchange, kept by all processes of the house together, through Redis.

Decision: of every quota, two thirds are counted in Redis and one third is left to processes that stand alone: while
Redis is away, and for one window of the quota after it came back or was found empty, since what was spent before is not
known then. So the sum never goes over the quota, whoever fails, and an exit never waits for Redis. One fifth of what is
counted is kept for requests that reduce risk.
"""

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

import structlog
from django.conf import settings
from limits import RateLimitItemPerSecond
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from prometheus_client import Counter, Histogram
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.foundation.errors import RetryableFailure
from apps.foundation.quota import Allowance, Charge, Quota

COUNTED, KEPT = 2 / 3, 0.2
LOOK_AGAIN = 0.05  # seconds until a full window is looked at again
LEFT_ALONE = 1.0  # seconds that a Redis which failed is not asked again: an exit must not wait for its time-outs
REMEMBERED = 30 * 86_400  # seconds that a scope which nobody uses is known for
_AWAY = (RedisError, StorageError)
WAITS = Histogram("hq_request_wait_seconds", "How long requests waited for their turn.", ["exchange"])
HELD_BACK = Counter("hq_requests_held_back_total", "Requests that got no turn in time and were not sent.", ["exchange"])
ALONE = Counter("hq_requests_counted_alone_total", "Requests that one process let out by its own share.", ["exchange"])
PAUSES = Counter("hq_exchange_pauses_total", "Times that an exchange asked to be left alone.", ["exchange"])
log = structlog.get_logger(__name__)


class RequestRate:
    """The turns of requests to one exchange. ``turn`` and ``pause`` are quick, and safe for threads."""

    def __init__(self, exchange: str, *, clock: Callable[[], float] = time.time) -> None:
        self.exchange = exchange
        self._clock = clock
        self._lock = Lock()
        self._shares: dict[str, Allowance] = {}
        self._paused: dict[str, float] = {}  # what this process knows, for when Redis is away
        self._lost_at = float("-inf")  # when Redis last failed here
        self._alone = ""  # why this process goes by its own share

    def turn(self, charges: Sequence[Charge], *, urgent: bool = False) -> float:
        """0.0: it is the request's turn, and it is counted. Else the seconds after which to ask again.

        ``urgent``: the request cancels, or reduces risk; it may use what is kept for those.
        """
        now = self._clock()
        if now - self._lost_at < LEFT_ALONE:
            return self._alone_turn(charges, urgent, now, self._alone)
        try:
            wait = self._pause_left(charges, now)
            if wait > 0:
                return wait
            if self._unsure(charges, now):
                return self._by_own_share(charges, urgent, now, "what was spent lately is not known.")
            self._alone = ""
            return self._counted(charges, urgent)
        except _AWAY as error:
            self._lost_at = now
            return self._alone_turn(charges, urgent, now, f"Redis: {type(error).__name__}")

    def wait(self, charges: Sequence[Charge], *, seconds: float, urgent: bool = False) -> None:
        """Wait in this thread for the request's turn. Raises ``RetryableFailure`` (``rate_limited``) when it does not
        come within ``seconds``.
        """
        began = time.monotonic()
        while (left := self.turn(charges, urgent=urgent)) > 0:
            if time.monotonic() + left > began + seconds:
                raise self.no_turn(seconds)
            time.sleep(left)
        WAITS.labels(self.exchange).observe(time.monotonic() - began)

    def no_turn(self, seconds: float) -> RetryableFailure:
        """The error of a request whose turn did not come within ``seconds``; it is counted."""
        HELD_BACK.labels(self.exchange).inc()
        return RetryableFailure(f"{self.exchange}: no free slot within {seconds:.0f} s.", code="rate_limited")

    def pause(self, scope: str, seconds: float) -> None:
        """The exchange asked for silence: nobody of the house asks it in this scope for so long."""
        until = self._clock() + seconds
        self._paused[scope] = max(until, self._paused.get(scope, 0.0))
        PAUSES.labels(self.exchange).inc()
        log.warning("exchange_asked_for_silence", exchange=self.exchange, scope=scope, seconds=seconds)
        try:
            _redis().set(_key("pause", scope), repr(until), px=max(1, int(seconds * 1_000)))
        except _AWAY as error:
            self._lost_at = self._clock()
            log.warning("silence_not_shared", exchange=self.exchange, scope=scope, reason=str(error))

    def _pause_left(self, charges: Sequence[Charge], now: float) -> float:
        if not charges:
            return 0.0
        told = _redis().mget([_key("pause", charge.quota.scope) for charge in charges])
        return max(float(until) - now if until else 0.0 for until in told)

    def _unsure(self, charges: Sequence[Charge], now: float) -> bool:
        """Whether spending in the running window may have been forgotten, by Redis or by this process."""
        unsure = False
        for quota in (charge.quota for charge in charges):
            key = _key("born", quota.scope)
            born = _redis().getex(key, ex=REMEMBERED)
            if born is None:
                _redis().set(key, repr(now), nx=True, ex=REMEMBERED)
                born = repr(now)
            unsure |= now - max(float(born), self._lost_at) < quota.seconds
        return unsure

    def _counted(self, charges: Sequence[Charge], urgent: bool) -> float:
        """Look at all quotas first, so that a request that has to wait for one of them spends nothing of another."""
        for charge in charges:
            limit = _counted_limit(charge.quota)
            left = _limiter().get_window_stats(limit, charge.quota.scope).remaining
            units = min(charge.units, limit.amount)
            kept = 0 if urgent else min(int(limit.amount * KEPT), limit.amount - units)
            if left < units + kept:
                return LOOK_AGAIN
        for charge in charges:
            limit = _counted_limit(charge.quota)
            if not _limiter().hit(limit, charge.quota.scope, cost=min(charge.units, limit.amount)):
                return LOOK_AGAIN
        return 0.0

    def _alone_turn(self, charges: Sequence[Charge], urgent: bool, now: float, why: str) -> float:
        wait = max((self._paused.get(charge.quota.scope, now) - now for charge in charges), default=0.0)
        return wait if wait > 0 else self._by_own_share(charges, urgent, now, why)

    def _by_own_share(self, charges: Sequence[Charge], urgent: bool, now: float, why: str) -> float:
        with self._lock:
            shares = [(self._share(charge.quota), charge.units) for charge in charges]
            wait = max(
                (share.wait(units, kept=0.0 if urgent else share.capacity / 2, now=now) for share, units in shares),
                default=0.0,
            )
            if wait > 0:
                return wait
            for share, units in shares:
                share.take(units)
        if why != self._alone:
            self._alone = why
            log.warning("requests_counted_alone", exchange=self.exchange, reason=why)
        ALONE.labels(self.exchange).inc()
        return 0.0

    def _share(self, quota: Quota) -> Allowance:
        """Half of the process's part of the third, since a full bucket may empty and fill in one window."""
        capacity = quota.units * (1 - COUNTED) / quota.processes / 2
        return self._shares.setdefault(quota.scope, Allowance(capacity, quota.seconds))


def _counted_limit(quota: Quota) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(max(1, int(quota.units * COUNTED)), quota.seconds)


def _key(kind: str, scope: str) -> str:
    return f"hq-rate:{kind}:{scope}"


def _options() -> dict[str, Any]:
    """One try and short waits, so that a restart of Redis is noticed and not papered over."""
    return {"socket_connect_timeout": 1, "socket_timeout": 1, "retry": Retry(NoBackoff(), 0)}


@lru_cache(maxsize=1)
def _redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, decode_responses=True, **_options())


@lru_cache(maxsize=1)
def _limiter() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(
        storage_from_string(settings.REDIS_URL, key_prefix="hq-rate", wrap_exceptions=True, **_options())
    )


def forget_connections() -> None:
    """Connect anew, to the ``REDIS_URL`` of now; for tests."""
    _redis.cache_clear()
    _limiter.cache_clear()
