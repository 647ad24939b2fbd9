"""T26: two schedulers send every entry of the schedule twice, and each task runs once in its time all the same."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from celery import shared_task
from django.db import connection
from django.db.models import F
from django_celery_beat.models import IntervalSchedule, PeriodicTask

import tradinghq.celery  # noqa: F401 - the application whose task class is under test
from apps.foundation import lease
from apps.foundation.lease_memory import looks
from apps.foundation.models import PeriodicRun
from apps.foundation.periodic_runs import begin_run
from tradinghq.led_tasks import SENT_BY

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "hq: a test"
MINUTE = timedelta(minutes=1)
done = []


@shared_task(name="tests.note_a_periodic_run")
def note_a_periodic_run() -> None:
    done.append(1)


@pytest.fixture(autouse=True)
def entry():
    done.clear()
    lease.take(house=lease.this_house(), lives={"paper": timedelta(0)}, first=True)
    looks.forget()
    interval = IntervalSchedule.objects.create(every=60, period=IntervalSchedule.SECONDS)
    yield PeriodicTask.objects.create(name=NAME, task=note_a_periodic_run.name, interval=interval)
    looks.forget()


def sent(name: str = NAME) -> None:
    """One message as beat sends it and a worker gets it."""
    note_a_periodic_run.apply(headers={SENT_BY: name})


def pass_time(seconds: float) -> None:
    PeriodicRun.objects.update(begun_at=F("begun_at") - timedelta(seconds=seconds))


def counts() -> tuple[int, int]:
    return PeriodicRun.objects.values_list("runs", "left_alone").get(pk=NAME)


def test_the_second_message_of_one_time_is_left_alone_and_the_next_time_runs():
    sent()
    sent()
    assert (len(done), counts()) == (1, (1, 1))
    pass_time(29)
    sent()
    assert len(done) == 1
    pass_time(2)
    sent()
    assert (len(done), counts()) == (2, (2, 2))


def test_ten_minutes_of_two_schedulers_run_each_time_once():
    for _ in range(10):
        sent()
        pass_time(20)  # the second scheduler was started that much later
        sent()
        pass_time(40)
    assert (len(done), counts()) == (10, (10, 10))


def test_of_many_messages_at_once_one_begins():
    def begin(_):
        try:
            return begin_run(name=NAME, every=MINUTE)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(begin, range(8))) == [False] * 7 + [True]
    assert counts() == (1, 7)


def test_what_no_schedule_sent_is_never_held_up(entry):
    for _ in range(2):
        note_a_periodic_run.apply()
    assert len(done) == 2
    entry.delete()
    for _ in range(2):
        sent()
    assert len(done) == 4
    assert not PeriodicRun.objects.exists()
