"""The queue of a device in a real Redis: after the commit, in its order, for as long as it is worth anything."""

from datetime import timedelta

import pytest
from django.db import transaction

from apps.agents import operations
from apps.agents.domain.neural.window_batch import WindowBatch, written
from apps.agents.operations.device_queue import NOT_UNDERSTOOD
from apps.foundation import redis_pool
from apps.foundation.clock import wall_now
from apps.foundation.metrics import WAKE_UPS_LOST
from workers import inference

pytestmark = pytest.mark.django_db(transaction=True)
QUEUE = "inference.cpu0"


def batch(number=0, *, expires_in=60, model="no-model"):
    asked = [{"agent_id": f"a{number}", "rounds": [{"round_id": f"r{number}"}]}]
    return WindowBatch(model, asked, wall_now() + timedelta(seconds=expires_in), b"\x00\xff" * 10)


def taken():
    return operations.waiting_batches("cpu0", wait_seconds=0.01)


@pytest.fixture
def device(monkeypatch):
    fresh = operations.DeviceRecord("cpu0")
    monkeypatch.setattr(inference, "DEVICE", fresh)
    return fresh


def test_batches_leave_with_the_commit_and_are_taken_oldest_first_a_few_at_a_time(clean_redis):
    sent = [batch(number) for number in range(6)]
    with transaction.atomic():
        for each in sent:
            operations.send_batch("cpu0", each)
        assert clean_redis.llen(QUEUE) == 0
    assert clean_redis.llen(QUEUE) == 6
    assert 0 < clean_redis.ttl(QUEUE) <= 3_600
    assert taken() == sent[:4]
    assert taken() == sent[4:]
    assert taken() == []


def test_what_was_rolled_back_is_not_sent(clean_redis):
    with transaction.atomic():
        operations.send_batch("cpu0", batch())
        transaction.set_rollback(True)
    assert clean_redis.llen(QUEUE) == 0


def test_while_redis_is_away_the_batch_is_counted_as_lost(clean_redis, monkeypatch, device):
    lost = WAKE_UPS_LOST.labels(task=QUEUE)
    before = lost._value.get()
    nobody = redis_pool.Redis(port=1, retry=redis_pool.Retry(redis_pool.ConstantBackoff(0), 0))
    with monkeypatch.context() as away:
        away.setattr(redis_pool, "raw_client", lambda: nobody)
        operations.send_batch("cpu0", batch())
        assert not inference.judge()  # and rests before it looks again
    assert lost._value.get() == before + 1
    assert clean_redis.llen(QUEUE) == 0
    assert (device.batches, device.failures) == (0, 0)


def test_what_is_no_batch_is_counted_and_costs_those_around_it_nothing(clean_redis):
    before = NOT_UNDERSTOOD.labels(device="cpu0")._value.get()
    good = [batch(1), batch(2)]
    clean_redis.rpush(QUEUE, written(good[0]), '{"body": "a task of another version"}', written(good[1]), b"\xff")
    assert taken() == good
    assert clean_redis.llen(QUEUE) == 0
    assert NOT_UNDERSTOOD.labels(device="cpu0")._value.get() == before + 2


def test_windows_that_are_read_too_late_are_counted_and_not_judged(clean_redis, monkeypatch, device):
    judged = []

    def judge_windows(*, batch, device):
        judged.append(batch)
        return operations.JudgedBatch(batch.windows, 0.001)

    monkeypatch.setattr(operations, "judge_windows", judge_windows)
    for each in (batch(1), batch(2, expires_in=-1), batch(3), batch(4, model="another")):
        operations.send_batch("cpu0", each)
    assert inference.judge()
    assert [[agent["agent_id"] for agent in each.asked] for each in judged] == [["a1", "a3"], ["a4"]]
    assert (device.batches, device.windows, device.failures) == (3, 4, 1)
    assert clean_redis.keys("votes.*") == []


def test_a_device_that_has_nothing_to_do_says_which_windows_came_too_late(clean_redis, device):
    clean_redis.rpush(QUEUE, written(batch(expires_in=-1)))
    assert inference.judge()
    assert device.problem == inference.TOO_LATE
    assert inference.judge()  # it waited already: it waits again at once
    assert (device.batches, device.failures) == (1, 1)
