"""Tasks that a thread sends: all of them, in order, under the correlation id of whoever enqueued them."""

import json

import pytest

from apps.foundation.after_commit import TaskSender
from apps.foundation.correlation import HEADER, bind, carry_through_celery
from apps.foundation.redis_pool import client
from tests.integration.foundation.waiting import eventually

QUEUE = "sender-test"


@pytest.fixture
def sender(clean_redis):
    carry_through_celery()
    return TaskSender()


def messages() -> list[dict]:
    return [json.loads(each) for each in reversed(client().lrange(QUEUE, 0, -1))]


def test_every_task_arrives_in_order_with_its_own_correlation_id(sender):
    for number in range(20):
        with bind(correlation_id=f"bar-{number}"):
            sender.send("note", QUEUE, None, {"number": number})
    eventually(lambda: len(messages()) == 20)
    assert [each["headers"][HEADER] for each in messages()] == [f"bar-{number}" for number in range(20)]
    assert [each["headers"]["kwargsrepr"] for each in messages()] == [f"{{'number': {n}}}" for n in range(20)]


def test_a_fault_in_the_thread_does_not_swallow_what_comes_later(sender, monkeypatch):
    monkeypatch.setattr("threading.excepthook", lambda args: None)
    sender.send("note", QUEUE, None, {"number": object()})  # not JSON: the thread ends
    eventually(lambda: not sender._thread.is_alive())
    sender.send("note", QUEUE, None, {"number": 7})
    assert len(messages()) == 1
