"""Tasks and loops of a house that does not lead leave their work alone, and say so; a task called by hand runs."""

import threading
from datetime import timedelta

import pytest
from celery import shared_task

import tradinghq.celery  # noqa: F401 - the application whose task class is under test
from apps.foundation import beats, lease
from apps.foundation.lease_memory import looks, standing_by
from apps.foundation.loops import run_loop

OTHER = lease.House("another house", "hq-2")
done = []


@shared_task(name="tests.note_that_it_ran")
def note_that_it_ran() -> None:
    done.append(1)


@pytest.fixture(autouse=True)
def nothing_done():
    done.clear()
    looks.forget()
    yield
    looks.forget()


def led_by(house):
    lease.take(house=house, lives={"paper": timedelta(0)}, first=True)
    looks.forget()


@pytest.mark.django_db
def test_a_worker_leaves_a_task_alone_until_its_house_leads():
    note_that_it_ran.apply()
    assert done == []
    led_by(OTHER)
    note_that_it_ran.apply()
    assert (done, standing_by()) == ([], "standing by: hq-2 holds the lease, renewed 0 s ago")
    lease.release(house=OTHER)
    lease.take(house=lease.this_house(), lives={"paper": timedelta(0)}, first=True)
    note_that_it_ran.apply()  # although this process saw a second ago that another leads
    assert done == [1]


@pytest.mark.django_db
def test_a_task_called_by_hand_runs():
    note_that_it_ran()
    assert done == [1]


@pytest.mark.django_db(transaction=True)
def test_a_loop_takes_no_step_while_it_stands_by_and_its_pulse_says_why():
    reason, stop = ["standing by: hq-2 leads"], threading.Event()
    stepped = threading.Event()
    thread = threading.Thread(
        target=run_loop,
        args=("waits", stepped.set),
        kwargs={"idle_seconds": 0.05, "stop": stop, "stand_by": lambda: reason[0]},
    )
    thread.start()
    try:
        for _ in range(200):
            pulse = next((each for each in beats.all() if each.name.endswith("/waits")), None)
            if pulse is not None:
                break
            threading.Event().wait(0.05)
        assert pulse.detail == {"standing_by": "standing by: hq-2 leads"}
        assert not stepped.is_set()
        reason[0] = ""
        assert stepped.wait(20)
    finally:
        stop.set()
        thread.join(20)
