import threading

import pytest
from django.db import connection, transaction
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from apps.foundation import beats, outbox
from apps.foundation.correlation import bind, current_correlation_id
from apps.foundation.loops import pause_after, run_loop
from apps.foundation.models import ProcessBeat
from tests.integration.foundation.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


class Running:
    """A loop in a thread of its own, as the processes run it."""

    def __init__(self, step, **options):
        self.stop = threading.Event()
        options = {"idle_seconds": 0.02, "jitter": lambda: 0.0, "stop": self.stop} | options
        self.thread = threading.Thread(target=run_loop, args=("test", step), kwargs=options, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(10)
        assert not self.thread.is_alive()


def errors_counted():
    return REGISTRY.get_sample_value("hq_loop_errors_total", {"loop": "test"}) or 0


def test_a_loop_survives_what_its_step_raises():
    calls = []
    before = errors_counted()

    def step():
        calls.append(1)
        if len(calls) in {2, 3}:
            raise ValueError("boom")

    with capture_logs() as lines, Running(step):
        eventually(lambda: len(calls) >= 6)
    failures = [line for line in lines if line["event"] == "loop_step_failed"]
    assert [line["failures_in_a_row"] for line in failures] == [1, 2]
    assert str(failures[0]["exc_info"]) == "boom"
    assert errors_counted() == before + 2


def test_the_running_step_ends_before_the_loop_does():
    entered, leave, left = threading.Event(), threading.Event(), []

    def step():
        entered.set()
        assert leave.wait(10)
        left.append(1)

    with Running(step, idle_seconds=60) as running:
        assert entered.wait(10)
        running.stop.set()
        leave.set()
    assert left == [1]


def test_a_loop_with_work_does_not_wait():
    calls = []

    def step():
        calls.append(1)
        return len(calls) < 200

    with Running(step, idle_seconds=60):
        eventually(lambda: len(calls) == 200, seconds=20)


def test_a_notification_wakes_an_idle_loop():
    told = []

    def relay():
        return outbox.relay_outbox(deliver=lambda event: told.append(event.kind), limit=10)

    with Running(relay, idle_seconds=600, wake=outbox.CHANNEL):
        eventually(lambda: ProcessBeat.objects.filter(name__endswith="/test").exists())
        with transaction.atomic():
            outbox.record_event(kind="order.changed", aggregate="order:1", payload={})
        eventually(lambda: told == ["order.changed"])


def test_a_loop_survives_that_postgresql_ends_all_its_connections():
    told = []

    def relay():
        return outbox.relay_outbox(deliver=lambda event: told.append(event.aggregate), limit=10)

    def record(aggregate):
        with transaction.atomic():
            outbox.record_event(kind="order.changed", aggregate=aggregate, payload={})

    with Running(relay, idle_seconds=0.2, wake=outbox.CHANNEL):
        record("before")
        eventually(lambda: told == ["before"] and outbox.waiting()[0] == 0)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        record("after")
        eventually(lambda: told == ["before", "after"], seconds=20)


def test_the_pulse_tells_steps_errors_and_the_last_error():
    calls = []

    def step():
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("postgresql://hq:secret@h/hq is away")

    with Running(step):
        eventually(lambda: [beat for beat in beats.all() if beat.steps and beat.errors])
    (pulse,) = beats.all()
    assert pulse.name.endswith("/test")
    assert pulse.steps >= 1
    assert pulse.errors == 1
    assert pulse.last_error.startswith("ValueError: ")
    assert "secret" not in pulse.last_error
    assert pulse.started_at <= pulse.last_step_at <= pulse.beat_at


def test_an_idle_loop_goes_on_beating(monkeypatch):
    monkeypatch.setattr("apps.foundation.loops.QUIET_BEAT_SECONDS", 0.05)
    monkeypatch.setattr("apps.foundation.loops.BEAT_SECONDS", 0.01)
    with Running(lambda: None, idle_seconds=600):
        eventually(beats.all)
        first = beats.all()[0]
        eventually(lambda: beats.all()[0].beat_at > first.beat_at)
        assert beats.all()[0].steps == 1


def test_beats_are_not_written_at_every_step(monkeypatch):
    monkeypatch.setattr("apps.foundation.loops.BEAT_SECONDS", 3600)
    calls = []
    with Running(lambda: calls.append(1), idle_seconds=0.001):
        eventually(lambda: len(calls) > 20)
    assert beats.all()[0].steps == 1


def test_a_loop_that_always_fails_shows_it():
    def step():
        raise ValueError("never again")

    with Running(step):
        eventually(lambda: [beat for beat in beats.all() if beat.errors])
    assert beats.all()[0].last_error == "ValueError: never again"
    assert beats.all()[0].last_step_at is None


def test_what_a_step_binds_ends_with_the_step():
    seen = []

    def step():
        seen.append(current_correlation_id())
        bind(correlation_id=f"c-{len(seen)}")

    with Running(step):
        eventually(lambda: len(seen) >= 3)
    assert set(seen) == {None}


def test_a_step_gives_its_connection_back():
    def step():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def in_use():
        facts = connection.pool.get_stats()
        return facts["pool_size"] - facts["pool_available"]

    with Running(step, idle_seconds=600):
        eventually(beats.all)
        connection.close()
        eventually(lambda: in_use() == 0)


def test_pauses_double_up_to_a_cap_and_jitter_halves_them_at_most():
    assert [pause_after(n, 0.0) for n in (1, 2, 3, 4)] == [0.1, 0.2, 0.4, 0.8]
    assert pause_after(500, 0.0) == 5
    assert pause_after(500, 0.99) >= 2.5


class CountedStop(threading.Event):
    """Remembers what was waited for, waits for nothing, and is set after the last step."""

    def __init__(self):
        super().__init__()
        self.waited = []

    def wait(self, timeout=None):
        self.waited.append(timeout)
        return self.is_set()


def test_a_loop_rests_after_a_step_that_left_no_work_and_not_between_steps_that_did():
    stop, work = CountedStop(), [True, True, False]

    def step():
        left = work.pop(0)
        if not work:
            stop.set()
        return left

    run_loop("test", step, idle_seconds=0, stop=stop, rest_seconds=7.0)
    assert (work, stop.waited) == ([], [7.0])
