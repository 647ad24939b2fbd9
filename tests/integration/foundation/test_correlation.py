import threading

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from django.conf import settings

from apps.foundation.correlation import bind, carry_through_celery, current_correlation_id


@pytest.fixture
def seen(clean_redis):
    """A real worker behind the real broker with one task that notes the correlation id it runs under."""
    carry_through_celery()
    app = Celery("correlation", broker=settings.REDIS_URL, set_as_current=False)
    app.conf.update(task_ignore_result=True, worker_enable_remote_control=False)
    noted, arrived = [], threading.Semaphore(0)

    @app.task(name="note")
    def note():
        noted.append(current_correlation_id())
        bind(correlation_id="left behind")
        arrived.release()

    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="ERROR"):

        def send():
            note.delay()
            assert arrived.acquire(timeout=15)
            return noted[-1]

        yield send


def test_a_task_runs_under_its_senders_correlation_id_and_leaves_none_behind(seen):
    with bind(correlation_id="bar-1"):
        assert seen() == "bar-1"
    assert seen() is None
    with bind(correlation_id="bar-2"):
        assert seen() == "bar-2"
