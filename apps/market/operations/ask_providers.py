"""Asking several providers side by side, and keeping what their answers say about their health."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from prometheus_client import Counter, Histogram

from apps.foundation import outbox
from apps.foundation.errors import HQError
from apps.market.domain import provider_health
from apps.market.models import MarketClock, MarketState, Provider, ProviderState
from apps.market.ports import MarketDataProvider

FAILED = Counter("hq_market_provider_failures_total", "Reads that a provider failed.", ["provider", "code"])
READ_SECONDS = Histogram("hq_market_provider_seconds", "Duration of a read from a provider.", ["provider"])
log = structlog.get_logger(__name__)
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Answer(Generic[Found]):
    """What one provider gave: ``found``, or ``error`` in its place."""

    name: str
    found: Found | None
    error: HQError | None
    seconds: float


def ask_all(
    providers: Sequence[MarketDataProvider], question: Callable[[MarketDataProvider], Found]
) -> list[Answer[Found]]:
    """Put one question to every provider at once; the slowest decides how long it takes. Only anticipated failures
    become answers.
    """

    def ask(provider: MarketDataProvider) -> Answer[Found]:
        started = time.monotonic()
        try:
            found, error = question(provider), None
        except HQError as caught:
            found, error = None, caught
            FAILED.labels(provider=provider.name, code=caught.code).inc()
        seconds = time.monotonic() - started
        READ_SECONDS.labels(provider=provider.name).observe(seconds)
        return Answer(provider.name, found, error, seconds)

    if not providers:
        return []
    with ThreadPoolExecutor(max_workers=len(providers), thread_name_prefix="provider") as pool:
        return list(pool.map(ask, providers))


@transaction.atomic
def note_answers(answers: Sequence[Answer[Found]], wall: datetime) -> None:
    """Record each provider's health, and who leads now. ``no_source`` with a sentence when none is usable."""
    for answer in sorted(answers, key=lambda answer: answer.name):
        row = Provider.objects.filter(name=answer.name)
        if answer.error is None:
            row.update(
                state=ProviderState.HEALTHY,
                message="",
                failures=0,
                latency_ms=round(answer.seconds * 1_000, 1),
                last_ok_at=wall,
                healthy_since=Coalesce(F("healthy_since"), wall),
            )
            continue
        log.warning("provider_failed", provider=answer.name, code=answer.error.code, reason=answer.error.message)
        row.update(state=ProviderState.DEGRADED, failures=F("failures") + 1, last_error_at=wall, healthy_since=None)
        if answer.error.code != "breaker_open":  # that it is left alone hides what went wrong before
            row.update(message=answer.error.message)
    judge_sources(wall)


def judge_sources(wall: datetime) -> None:
    """Mark providers that are down and hand the lead to the best usable one, within the caller's transaction."""
    clock = MarketClock.objects.select_for_update().first()
    if clock is None or clock.lock_step:
        return
    rows = list(Provider.objects.filter(enabled=True).order_by("priority", "name"))
    if all(row.last_ok_at is None and row.last_error_at is None for row in rows):
        return  # nobody has been asked yet
    healths = [
        provider_health.Health(row.name, row.priority, row.failures, row.last_ok_at, row.healthy_since) for row in rows
    ]
    lost = [health.name for health in healths if not provider_health.is_usable(health, wall)]
    Provider.objects.filter(name__in=lost).exclude(state=ProviderState.DOWN, healthy_since=None).update(
        state=ProviderState.DOWN, healthy_since=None
    )
    leading = provider_health.choose_primary(clock.primary_source, healths, wall)
    state = MarketState.RUNNING if leading else MarketState.NO_SOURCE
    if clock.state == MarketState.PAUSED:
        state = MarketState.PAUSED
    message = "" if leading else _nobody(rows)
    changed = state != clock.state or (leading or clock.primary_source) != clock.primary_source
    if changed or message != clock.message:
        MarketClock.objects.update(state=state, message=message, primary_source=leading or clock.primary_source)
    if changed:
        log.warning("market_sources_changed", state=state, leading=leading, before=clock.primary_source, reason=message)
        outbox.record_event(kind="system.changed", aggregate="market", payload={})


def _nobody(rows: Sequence[Provider]) -> str:
    told = (row.message.rstrip(".") or f"{row.name}: has not answered yet" for row in rows)
    return f"No price source can be reached, so nothing is traded. {'; '.join(told)}."
