"""What is too large for a message, in a real Redis: it lies there as long as the message is worth anything."""

import json

import pytest

from apps.foundation import after_commit, parcels, redis_pool
from apps.foundation.errors import NotReady
from apps.foundation.identifiers import new_id
from apps.foundation.metrics import WAKE_UPS_LOST
from workers import inference

pytestmark = pytest.mark.django_db(transaction=True)
QUEUE = "parcel-test"


def refused(name):
    with pytest.raises(NotReady) as gone:
        parcels.pick_up(name)
    return gone.value.code


def test_it_is_picked_up_bit_for_bit_as_often_as_one_likes(clean_redis):
    content = bytes(range(256)) * 1_000
    name = parcels.lay_down(content, seconds=60)
    assert [parcels.pick_up(name) for _ in range(2)] == [content, content]
    assert 59_000 < clean_redis.pttl(name) <= 60_000


def test_what_is_gone_is_refused_with_the_reason(clean_redis):
    assert refused("parcel.never-was") == "parcel_gone"
    name = parcels.lay_down(b"x", seconds=60)
    clean_redis.flushdb()  # as after a restart of Redis
    assert refused(name) == "parcel_gone"


def test_a_message_names_the_parcel_that_lies_beside_it(clean_redis):
    after_commit.enqueue("note", queue=QUEUE, expires=30, parcel=b"\x00\xff", number=7)
    (message,) = map(json.loads, clean_redis.lrange(QUEUE, 0, -1))
    told = json.loads(message["headers"]["kwargsrepr"].replace("'", '"'))
    assert told["number"] == 7
    assert parcels.pick_up(told["parcel"]) == b"\x00\xff"
    assert 0 < clean_redis.pttl(told["parcel"]) <= 30_000


def test_without_an_end_nothing_is_laid_down(clean_redis):
    with pytest.raises(ValueError, match="until its message expires"):
        after_commit.enqueue("note", queue=QUEUE, parcel=b"x")
    assert clean_redis.keys("parcel.*") == []


def test_where_redis_is_away_no_message_goes_without_its_parcel(clean_redis, monkeypatch):
    lost = WAKE_UPS_LOST.labels(task="note")
    before = lost._value.get()
    nobody = redis_pool.Redis(port=1, retry=redis_pool.Retry(redis_pool.ConstantBackoff(0), 0))
    with monkeypatch.context() as away:
        away.setattr(redis_pool, "raw_client", lambda: nobody)
        after_commit.enqueue("note", queue=QUEUE, expires=30, parcel=b"x")
        assert refused("parcel.any") == "parcel_gone"
    assert lost._value.get() == before + 1
    assert clean_redis.llen(QUEUE) == 0


def test_a_device_leaves_windows_that_are_gone(clean_redis):
    judged = inference.DEVICE.batches
    inference.judge(model=str(new_id()), asked=[], parcel="parcel.gone")
    assert inference.DEVICE.batches == judged
    assert clean_redis.keys("votes.*") == []
