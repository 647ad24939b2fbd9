"""The shared circuit breaker and second try around a provider."""

from datetime import UTC, datetime

import pytest
from redis import ConnectionError as RedisAway

from apps.foundation.errors import NotReady, RetryableFailure
from apps.market.adapters import guarded_provider
from apps.market.adapters.guarded_provider import GuardedProvider
from apps.market.ports import ProviderRefused

NOW = datetime(2026, 3, 2, tzinfo=UTC)


class Scripted:
    """A provider that gives or raises what the test wrote down; the last entry for ever."""

    name = "scripted"
    market = "live"

    def __init__(self, *script):
        self.script = list(script)
        self.calls = 0

    def quotes(self, symbols, *, received_at):
        self.calls += 1
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        return step


@pytest.fixture(autouse=True)
def fresh(clean_redis):
    guarded_provider.breakers.cache_clear()


def ask(provider):
    return provider.quotes(["BTC/USDT"], received_at=NOW)


def away():
    return RetryableFailure("connection cut", code="provider_away")


def test_a_passing_failure_is_tried_once_more():
    inner = Scripted(away(), [])
    assert ask(GuardedProvider(inner)) == []
    assert inner.calls == 2


def test_two_failures_are_reported():
    inner = Scripted(away())
    with pytest.raises(RetryableFailure, match="connection cut"):
        ask(GuardedProvider(inner))
    assert inner.calls == 2


def test_a_refusal_is_not_tried_again():
    inner = Scripted(ProviderRefused("a page instead of data", code="unreadable_answer"))
    with pytest.raises(ProviderRefused):
        ask(GuardedProvider(inner))
    assert inner.calls == 1


def test_the_breaker_opens_after_five_failures_for_every_process():
    inner = Scripted(away())
    for _ in range(3):
        with pytest.raises(RetryableFailure):
            ask(GuardedProvider(inner))
    assert inner.calls == 5
    guarded_provider.breakers.cache_clear()  # another process
    other = Scripted([])
    with pytest.raises(RetryableFailure, match="left alone for 30 s") as refused:
        ask(GuardedProvider(other))
    assert refused.value.code == "breaker_open"
    assert other.calls == 0


def test_wrong_questions_do_not_open_the_breaker():
    inner = Scripted(*[ProviderRefused("no such pair", code="unknown_instrument")] * 8, [])
    for _ in range(8):
        with pytest.raises(ProviderRefused):
            ask(GuardedProvider(inner))
    assert ask(GuardedProvider(inner)) == []


def test_a_full_queue_of_our_own_is_neither_tried_again_nor_held_against_the_provider():
    inner = Scripted(*[RetryableFailure("no free slot", code="rate_limited")] * 8, [])
    for _ in range(8):
        with pytest.raises(RetryableFailure, match="no free slot"):
            ask(GuardedProvider(inner))
    assert inner.calls == 8
    assert ask(GuardedProvider(inner)) == []


def test_without_redis_nobody_is_asked(monkeypatch):
    inner = Scripted([])

    def gone(*_, **__):
        raise RedisAway("gone")

    monkeypatch.setattr(guarded_provider.breakers().uow.contexts, "get", gone)
    with pytest.raises(NotReady, match="not asked while the shared circuit breaker is away") as refused:
        ask(GuardedProvider(inner))
    assert refused.value.code == "breaker_away"
    assert inner.calls == 0
