import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from apps.foundation import outbox
from apps.foundation.correlation import bind
from apps.foundation.errors import RetryableFailure
from apps.foundation.models import InboxEntry, OutboxEvent
from tests.integration.foundation.waiting import eventually

pytestmark = pytest.mark.django_db
real_commits = pytest.mark.django_db(transaction=True)


def record(*aggregates):
    with transaction.atomic():
        return outbox.record_events(
            outbox.NewEvent("order.changed", name, {"n": n}) for n, name in enumerate(aggregates)
        )


def in_thread(work):
    """Run ``work`` in a thread of its own and give its database connection back."""

    def run():
        try:
            return work()
        finally:
            connection.close()

    return run


class KilledError(BaseException):
    """Stands for a process that ends between telling and marking: nothing after it runs."""


@real_commits
def test_an_event_needs_a_transaction():
    with pytest.raises(RuntimeError, match=r"transaction\.atomic"):
        outbox.record_event(kind="order.changed", aggregate="order:1", payload={})


def test_a_rolled_back_event_was_never_there():
    with transaction.atomic():
        outbox.record_event(kind="order.changed", aggregate="order:1", payload={})
        transaction.set_rollback(True)
    assert outbox.relay_outbox(deliver=pytest.fail, limit=10) == 0


def test_events_are_told_in_order_once_and_marked():
    ids = record("a", "b", "a", "c")
    told = []
    assert outbox.relay_outbox(deliver=lambda event: told.append(event.pk), limit=3) == 3
    assert outbox.relay_outbox(deliver=lambda event: told.append(event.pk), limit=3) == 1
    assert outbox.relay_outbox(deliver=pytest.fail, limit=3) == 0
    assert told == ids
    assert outbox.waiting() == (0, 0.0)


def test_the_correlation_id_travels_with_the_event():
    with bind(correlation_id="bar-7"), transaction.atomic():
        outbox.record_event(kind="order.changed", aggregate="order:1", payload={})
    assert OutboxEvent.objects.get().correlation_id == "bar-7"


@real_commits
def test_a_crash_between_telling_and_marking_tells_again():
    ids = record("a", "a", "b")
    told = []

    def die_on_third(event):
        told.append(event.pk)
        if len(told) == 3:
            raise KilledError

    with pytest.raises(KilledError):
        outbox.relay_outbox(deliver=die_on_third, limit=10)
    outbox.relay_outbox(deliver=lambda event: told.append(event.pk), limit=10)
    assert told == [*ids, *ids]


def test_an_effect_happens_once_though_its_event_is_told_twice():
    (event_id,) = record("a")
    effects = []

    def apply_and_die(event):
        with transaction.atomic():
            if outbox.first_delivery(consumer="books", event=event):
                effects.append(event.pk)

    outbox.relay_outbox(deliver=apply_and_die, limit=10)
    OutboxEvent.objects.update(published_at=None)  # what a crash before the mark leaves
    outbox.relay_outbox(deliver=apply_and_die, limit=10)
    assert effects == [event_id]


def test_a_rolled_back_effect_may_happen_at_the_next_telling():
    record("a")
    event = OutboxEvent.objects.get()
    with transaction.atomic():
        assert outbox.first_delivery(consumer="books", event=event)
        transaction.set_rollback(True)
    with transaction.atomic():
        assert outbox.first_delivery(consumer="books", event=event)


def test_a_failing_event_holds_back_its_aggregate_only():
    bad, _, other, behind = record("bad", "x", "y", "bad")
    told = []

    def deliver(event):
        if event.pk == bad:
            raise ValueError("can't render it")
        told.append(event.pk)

    with pytest.raises(ValueError, match="can't render"):
        outbox.relay_outbox(deliver=deliver, limit=10)
    assert outbox.relay_outbox(deliver=deliver, limit=10) == 2
    assert other in told
    assert behind not in told
    stored = OutboxEvent.objects.get(pk=bad)
    assert (stored.attempts, stored.last_error) == (1, "ValueError: can't render it")
    assert stored.retry_at > stored.created_at

    OutboxEvent.objects.filter(pk=bad).update(retry_at=F("created_at"))
    told.clear()
    outbox.relay_outbox(deliver=lambda event: told.append(event.pk), limit=10)
    assert told == [bad, behind]


def test_what_was_told_before_a_failure_is_not_told_again():
    first, bad = record("a", "b")
    told = []

    def deliver(event):
        if event.pk == bad:
            raise RetryableFailure("Redis is away")
        told.append(event.pk)

    with pytest.raises(RetryableFailure):
        outbox.relay_outbox(deliver=deliver, limit=10)
    OutboxEvent.objects.filter(pk=bad).update(retry_at=None)
    outbox.relay_outbox(deliver=lambda event: told.append(event.pk), limit=10)
    assert told == [first, bad]


@real_commits
def test_a_failing_telling_takes_only_its_own_effects_with_it():
    first, bad = record("a", "b")

    def deliver(event):
        outbox.first_delivery(consumer="books", event=event)
        if event.pk == bad:
            InboxEntry.objects.create(consumer="books", event_id=first)  # breaks the unique constraint

    with pytest.raises(IntegrityError):
        outbox.relay_outbox(deliver=deliver, limit=10)
    assert list(InboxEntry.objects.values_list("event_id", flat=True)) == [first]
    assert OutboxEvent.objects.get(pk=first).published_at is not None
    assert OutboxEvent.objects.get(pk=bad).last_error.startswith("IntegrityError")


@real_commits
def test_a_second_relay_skips_what_the_first_holds_and_what_must_follow_it():
    first, _, third = record("a", "b", "a")
    holding, release = threading.Event(), threading.Event()

    def hold(event):
        holding.set()
        assert release.wait(10)

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(in_thread(lambda: outbox.relay_outbox(deliver=hold, limit=1)))
        assert holding.wait(10)
        told = []
        outbox.relay_outbox(deliver=lambda event: told.append(event.pk), limit=10)
        assert told == [first + 1]
        release.set()
        assert running.result(10) == 1
    outbox.relay_outbox(deliver=lambda event: told.append(event.pk), limit=10)
    assert told == [first + 1, third]


@real_commits
def test_two_relays_at_once_tell_everything_once_and_in_order_of_each_aggregate():
    ids = record(*(f"order:{n % 7}" for n in range(120)))
    told = []

    def relay():
        while outbox.waiting()[0]:
            outbox.relay_outbox(deliver=lambda event: told.append((event.aggregate, event.pk)), limit=9)

    with ThreadPoolExecutor(2) as threads:
        for running in [threads.submit(in_thread(relay)) for _ in range(2)]:
            running.result(30)
    assert sorted(pk for _, pk in told) == ids
    for n in range(7):
        of_one = [pk for aggregate, pk in told if aggregate == f"order:{n}"]
        assert of_one == sorted(of_one)


@real_commits
def test_a_commit_notifies_the_relay():
    from apps.foundation.database_connections import listening_connection

    with listening_connection(outbox.CHANNEL) as listener:
        record("a", "b")
        heard = list(listener.notifies(timeout=10, stop_after=1))
    assert [hint.channel for hint in heard] == [outbox.CHANNEL]


def test_pruning_takes_old_told_events_only():
    record("a", "b", "c")
    outbox.relay_outbox(deliver=lambda event: None, limit=2)
    with transaction.atomic():
        outbox.first_delivery(consumer="books", event=OutboxEvent.objects.first())
    now = OutboxEvent.objects.latest("created_at").created_at
    assert outbox.prune_outbox(before=now - timedelta(days=1)) == 0
    assert outbox.prune_outbox(before=now + timedelta(days=1)) == 3
    assert [event.aggregate for event in OutboxEvent.objects.all()] == ["c"]
    assert not InboxEntry.objects.exists()


def test_the_oldest_waiting_event_gives_the_lag():
    record("a")
    OutboxEvent.objects.update(created_at=F("created_at") - timedelta(seconds=90))
    count, age = outbox.waiting()
    assert count == 1
    assert 90 <= age < 150
    eventually(lambda: outbox.relay_outbox(deliver=lambda event: None, limit=10) == 1)


def test_a_relay_tells_its_kinds_and_leaves_the_others_to_another():
    with transaction.atomic():
        outbox.record_events(
            outbox.NewEvent(kind, f"thing:{kind}", {}) for kind in ("order.changed", "decision.made", "agent.changed")
        )
    told = []
    tell = lambda event: told.append(event.kind)  # noqa: E731
    assert outbox.relay_outbox(deliver=tell, only=["order.changed", "agent.changed"]) == 2
    assert told == ["order.changed", "agent.changed"]
    with transaction.atomic():
        outbox.record_event(kind="order.changed", aggregate="order:2", payload={})
    assert outbox.relay_outbox(deliver=tell, but=["order.changed"]) == 1
    assert told[2:] == ["decision.made"]
    assert outbox.relay_outbox(deliver=tell) == 1
