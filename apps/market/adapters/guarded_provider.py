"""Guards a provider's reads: one circuit breaker for all processes, and a second try for a passing failure."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from django.conf import settings
from purgatory import SyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState
from purgatory.service._sync.repository import SyncRedisRepository
from purgatory.service._sync.unit_of_work import SyncAbstractUnitOfWork
from redis import RedisError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random

from apps.foundation import redis_pool
from apps.foundation.errors import HQError, NotReady, RetryableFailure
from apps.market.domain.candles import Candle
from apps.market.domain.instruments import InstrumentRules
from apps.market.domain.order_book import OrderBook
from apps.market.domain.quotes import Quote
from apps.market.ports import MarketDataProvider

BREAKER_FAILURES = 5
BREAKER_SECONDS = 30.0
Answer = TypeVar("Answer")


class GuardedProvider:
    """The same port as the provider inside. One call at a time, since an exchange client is not safe for threads."""

    def __init__(self, inner: MarketDataProvider) -> None:
        self._inner = inner
        self._one_at_a_time = threading.Lock()

    @property
    def name(self) -> str:
        """The name of the provider inside."""
        return self._inner.name

    @property
    def market(self) -> str:
        """The market of the provider inside."""
        return self._inner.market

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentRules]:
        """Guarded ``instruments``."""
        return self._guarded(lambda: self._inner.instruments(symbols))

    def quotes(self, symbols: Sequence[str], *, received_at: datetime) -> list[Quote]:
        """Guarded ``quotes``."""
        return self._guarded(lambda: self._inner.quotes(symbols, received_at=received_at))

    def candles(self, symbol: str, timeframe: str, *, since: datetime, limit: int) -> list[Candle]:
        """Guarded ``candles``."""
        return self._guarded(lambda: self._inner.candles(symbol, timeframe, since=since, limit=limit))

    def order_book(self, symbol: str, *, depth: int, received_at: datetime) -> OrderBook:
        """Guarded ``order_book``."""
        return self._guarded(lambda: self._inner.order_book(symbol, depth=depth, received_at=received_at))

    def _guarded(self, read: Callable[[], Answer]) -> Answer:
        retrying = Retrying(
            stop=stop_after_attempt(2), wait=wait_random(0.1, 0.4), retry=retry_if_exception(_passing), reraise=True
        )
        try:
            with self._one_at_a_time:
                answer: Answer = retrying(self._once, read)
                return answer
        except RedisError as error:
            why = type(error).__name__
            told = f"{self.name} is not asked while the shared circuit breaker is away: Redis answered {why}."
            raise NotReady(told, code="breaker_away") from error

    def _once(self, read: Callable[[], Answer]) -> Answer:
        try:
            with breakers().get_breaker(f"market.{self.name}"):
                return read()
        except OpenedState as error:
            told = (
                f"{self.name} failed {BREAKER_FAILURES} times in a row and is left alone for {BREAKER_SECONDS:.0f} s."
            )
            raise RetryableFailure(told, code="breaker_open") from error


def _not_its_fault(error: BaseException) -> bool:
    """A wrong question or a full queue of our own says nothing about the provider's health."""
    return isinstance(error, HQError) and error.code in {"unknown_instrument", "provider_refused", "rate_limited"}


def _passing(error: BaseException) -> bool:
    return isinstance(error, RetryableFailure) and error.code == "provider_away"


class _SharedBreakers(SyncAbstractUnitOfWork):
    """Breaker states in Redis, through the house's client: the library's own synchronous repository opens an
    asynchronous one.
    """

    def __init__(self, client: Any) -> None:
        self.contexts = SyncRedisRepository(settings.REDIS_URL)
        self.contexts.redis = client

    def initialize(self) -> None:
        """Nothing to prepare."""

    def commit(self) -> None:
        """Each write stands by itself."""

    def rollback(self) -> None:
        """Each write stands by itself."""


@lru_cache(maxsize=1)
def breakers() -> SyncCircuitBreakerFactory:
    """The circuit breakers that all processes share through Redis."""
    return SyncCircuitBreakerFactory(
        default_threshold=BREAKER_FAILURES,
        default_ttl=BREAKER_SECONDS,
        exclude=[(HQError, _not_its_fault)],
        uow=_SharedBreakers(redis_pool.client()),
    )
