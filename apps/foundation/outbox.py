"""The transactional outbox: an event is a row of the transaction it tells of, and is told at least once after it.

Order is kept per aggregate: an event waits while an earlier one of its aggregate does. Ids are given when a row is
inserted, so writers of one aggregate must hold its lock (they do: the row they change) for ids to follow commits.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection, transaction
from django.db.models.functions import Now
from prometheus_client import Counter

from apps.foundation.correlation import current_correlation_id
from apps.foundation.errors import RetryableFailure
from apps.foundation.logs import hide_in_text
from apps.foundation.models import InboxEntry, OutboxEvent

CHANNEL = "hq_outbox"
LONGEST_WAIT_SECONDS = 60
PRUNE_BATCH = 5_000
DELIVERED = Counter("hq_outbox_delivered_total", "Outbox events told.", ["kind"])
FAILED = Counter("hq_outbox_failed_total", "Outbox events whose telling failed; they are told again.", ["kind"])

# What is locked here and not blocked by an earlier event that somebody else holds or that waits for its retry.
_CLAIM = """
WITH claimed AS MATERIALIZED (
    SELECT * FROM foundation_outbox_event
    WHERE published_at IS NULL AND (retry_at IS NULL OR retry_at <= clock_timestamp())
      AND (cardinality(%(only)s::text[]) = 0 OR kind = ANY(%(only)s)) AND kind <> ALL(%(but)s::text[])
    ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
SELECT * FROM claimed AS mine WHERE NOT EXISTS (
    SELECT 1 FROM foundation_outbox_event AS earlier
    WHERE earlier.published_at IS NULL AND earlier.aggregate = mine.aggregate AND earlier.id < mine.id
      AND NOT EXISTS (SELECT 1 FROM claimed AS ours WHERE ours.id = earlier.id)
) ORDER BY id
"""

RECORD = "hq_record_events(%s::text[], %s::text[], %s::text[]::jsonb[], %s)"  # for a statement that does more
_RECORD = """
INSERT INTO foundation_outbox_event (kind, aggregate, payload, correlation_id, attempts, last_error)
SELECT e.kind, e.aggregate, e.payload::jsonb, e.correlation_id, 0, ''
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])
     WITH ORDINALITY AS e (kind, aggregate, payload, correlation_id, place)
ORDER BY e.place RETURNING id
"""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to record: what happened (``order.changed``), to which thing (``order:<id>``), JSON-ready facts.

    ``correlation_id``: of what it belongs to; None: the one that is bound when it is written.
    """

    kind: str
    aggregate: str
    payload: dict[str, Any]
    correlation_id: str | None = None


def record_event(*, kind: str, aggregate: str, payload: dict[str, Any]) -> int:
    """Write an event within the running transaction; its id. Raises ``RuntimeError`` outside one."""
    return record_events([NewEvent(kind, aggregate, payload)])[0]


def record_events(events: Iterable[NewEvent]) -> list[int]:
    """Write events in one round trip within the running transaction; their ids in order."""
    if not connection.in_atomic_block:
        raise RuntimeError(
            "An event is recorded inside the transaction it tells of; open one with transaction.atomic()."
        )
    bound = current_correlation_id() or ""
    rows = list(events)
    with connection.cursor() as cursor:  # every order waits for this; model rows would take several times as long
        cursor.execute(
            _RECORD,
            [
                [row.kind for row in rows],
                [row.aggregate for row in rows],
                [orjson.dumps(row.payload).decode() for row in rows],
                [bound if row.correlation_id is None else row.correlation_id for row in rows],
            ],
        )
        return [number for (number,) in cursor.fetchall()]


def record_values(events: Sequence[NewEvent]) -> list[Any]:
    """What ``RECORD`` takes: events of what is bound at present."""
    return [
        [event.kind for event in events],
        [event.aggregate for event in events],
        [orjson.dumps(event.payload).decode() for event in events],
        current_correlation_id() or "",
    ]


def relay_outbox(
    *,
    deliver: Callable[[OutboxEvent], None],
    limit: int = 100,
    prepare: Callable[[Sequence[OutboxEvent]], object] = lambda _: None,
    writes: Callable[[OutboxEvent], bool] = lambda _: True,
    only: Sequence[str] = (),
    but: Sequence[str] = (),
    follow: Callable[[], Iterable[NewEvent]] = tuple,
) -> int:
    """Tell up to ``limit`` waiting events in id order, of the kinds ``only`` (of all, where empty) and not of ``but``;
    how many were told.

    ``prepare`` sees all of them before the first is told, so that what they need is read at once. ``writes``: whether
    telling the event may write to the database; what it wrote is undone when it fails, which costs round trips.
    ``follow``: events that what was told gives rise to, recorded with its marks.

    Events are marked in the transaction that held them while they were told, so a crash in between tells them again.
    What ``deliver`` raises is raised again after the told events are marked, with what they wrote, and the failed one
    is put off (1, 2, 4 ... 60 s; 1 s for ``RetryableFailure``); later events of its aggregate wait behind it, others go
    on with the next call. Any number of relays may run at once.
    """
    told: list[int] = []
    failure: Exception | None = None
    with transaction.atomic():
        claimed = list(OutboxEvent.objects.raw(_CLAIM, {"limit": limit, "only": list(only), "but": list(but)}))
        prepare(claimed)
        for event in claimed:
            try:
                # A failed telling must not undo what the ones before it wrote.
                with transaction.atomic() if writes(event) else nullcontext():
                    deliver(event)
            except Exception as error:  # noqa: BLE001 - raised again below, once the told ones are marked
                failure = error
                _put_off(event, error)
                break
            told.append(event.pk)
            DELIVERED.labels(kind=event.kind).inc()
        _mark_told(told)
        if following := list(follow()):
            record_events(following)
    if failure is not None:
        raise failure
    return len(told)


def waiting() -> tuple[int, float]:
    """How many events wait and the age of the oldest in seconds (0 when none does), by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)"
            " FROM foundation_outbox_event WHERE published_at IS NULL"
        )
        count, age = cursor.fetchone()
    return count, float(age)


def first_delivery(*, consumer: str, event: OutboxEvent) -> bool:
    """Whether ``consumer`` meets this event for the first time; call it in the transaction of the effect.

    False: the effect was committed before, do nothing. A rolled back effect rolls the entry back with it.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(
            "An event is taken inside the transaction of its effect; open one with transaction.atomic()."
        )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {InboxEntry._meta.db_table} (consumer, event_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",  # noqa: S608, SLF001
            [consumer, event.pk],
        )
        return cursor.rowcount == 1


def prune_outbox(*, before: datetime, batches: int = 20) -> int:
    """Delete events told before ``before`` and inbox entries as old, in bounded batches; how many rows went."""
    gone = 0
    for _ in range(batches):
        old_events = OutboxEvent.objects.filter(published_at__lt=before).order_by("id")[:PRUNE_BATCH]
        old_entries = InboxEntry.objects.filter(taken_at__lt=before).order_by("id")[:PRUNE_BATCH]
        deleted = OutboxEvent.objects.filter(pk__in=old_events.values("pk")).delete()[0]
        deleted += InboxEntry.objects.filter(pk__in=old_entries.values("pk")).delete()[0]
        gone += deleted
        if not deleted:
            break
    return gone


def _mark_told(told: list[int]) -> None:
    if told:
        OutboxEvent.objects.filter(pk__in=told, published_at__isnull=True).update(published_at=Now(), last_error="")


def _put_off(event: OutboxEvent, error: Exception) -> None:
    FAILED.labels(kind=event.kind).inc()
    # What only waits for a part to come back must not be late once it has.
    wait = 1 if isinstance(error, RetryableFailure) else min(LONGEST_WAIT_SECONDS, 2 ** min(event.attempts, 10))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE foundation_outbox_event SET attempts = attempts + 1, last_error = %s,"
            " retry_at = clock_timestamp() + make_interval(secs => %s) WHERE id = %s AND published_at IS NULL",
            [hide_in_text(f"{type(error).__name__}: {error}")[:500], wait, event.pk],
        )
