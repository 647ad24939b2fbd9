"""One rate for all processes, through a Redis of the test's own that may go away and come back empty.

The clock is the test's: what Redis' own clock does (dropping old keys) only makes it forget what is over anyway.
"""

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from apps.foundation import request_rate
from apps.foundation.errors import RetryableFailure
from apps.foundation.quota import Charge, Quota
from apps.foundation.request_rate import RequestRate
from tests.support.own_redis import OwnRedis

MINUTE = Quota("exchange@host:weight:address", units=90, seconds=60, processes=3)
COUNTED, SHARE = 60, 5  # two thirds of it; half of a third of the rest


class Clock:
    def __init__(self):
        self.now = 1_700_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def own_redis(tmp_path, settings):
    own = OwnRedis(tmp_path)
    own.start()
    settings.REDIS_URL = own.url
    request_rate.forget_connections()
    yield own
    own.stop()
    request_rate.forget_connections()


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr("limits.storage.redis.time.time", made)
    return made


@pytest.fixture
def house(own_redis, clock):
    """Three processes that have known Redis for a while."""
    processes = [RequestRate("exchange", clock=clock) for _ in range(3)]
    for each in processes:
        each.turn([Charge(MINUTE, 1)], urgent=True)
    clock.now += 61
    return processes


def left(process, *, units=1, urgent=False, most=200):
    """How many requests it may send now."""
    count = 0
    while count < most and process.turn([Charge(MINUTE, units)], urgent=urgent) == 0:
        count += 1
    return count


def metric(name):
    return REGISTRY.get_sample_value(name, {"exchange": "exchange"}) or 0.0


def test_all_together_get_what_is_counted_and_exits_find_room_when_all_else_is_spent(house, clock):
    assert left(house[0]) == COUNTED * 4 // 5
    assert left(house[1]) == 0
    assert left(house[2], urgent=True) == COUNTED // 5
    assert left(house[0], urgent=True) == 0
    clock.now += 61
    assert left(house[1]) == COUNTED * 4 // 5


def test_a_request_that_waits_for_one_quota_spends_nothing_of_the_other(house, clock):
    orders = Quota("exchange@host:orders:key", units=3, seconds=60)
    both = [Charge(MINUTE, 1), Charge(orders, 1)]
    house[0].turn(both, urgent=True)
    clock.now += 61
    assert [house[0].turn(both, urgent=True) == 0 for _ in range(4)] == [True, True, False, False]
    assert left(house[1], urgent=True) == COUNTED - 2


def test_without_redis_each_goes_by_its_share_and_says_so_once(house, own_redis, clock):
    own_redis.stop()
    before = metric("hq_requests_counted_alone_total")
    with capture_logs() as lines:
        assert left(house[0]) == 2  # half of the share is kept for exits
        assert left(house[0], urgent=True) == SHARE - 2
        assert left(house[1], urgent=True) == SHARE
    told = [line for line in lines if line["event"] == "requests_counted_alone"]
    assert [line["log_level"] for line in told] == ["warning"] * 2
    assert all("Redis" in line["reason"] for line in told)
    assert metric("hq_requests_counted_alone_total") == before + 2 * SHARE
    clock.now += 13  # a fifth of the share is back: an exit is never locked out
    assert left(house[0], urgent=True) == 1


def test_a_redis_that_came_back_empty_is_not_believed_for_one_window(house, own_redis, clock):
    assert left(house[0], urgent=True) == COUNTED
    own_redis.stop()
    own_redis.start()
    newcomer = RequestRate("exchange", clock=clock)
    assert sum(left(each, urgent=True) for each in (*house, newcomer)) == 4 * SHARE
    clock.now += 61
    assert left(newcomer, urgent=True) == COUNTED


def test_a_redis_that_was_only_emptied_is_not_believed_either(house, own_redis):
    assert left(house[0], urgent=True) == COUNTED
    own_redis.client.flushall()
    assert left(house[1], urgent=True) == SHARE


def test_a_wish_for_silence_is_kept_by_all_also_by_who_loses_redis_later(house, own_redis, clock):
    before = metric("hq_exchange_pauses_total")
    house[0].pause(MINUTE.scope, 30)
    assert house[1].turn([Charge(MINUTE, 1)], urgent=True) == pytest.approx(30)
    assert metric("hq_exchange_pauses_total") == before + 1
    own_redis.stop()
    assert house[0].turn([Charge(MINUTE, 1)], urgent=True) == pytest.approx(30)
    clock.now += 31
    assert house[0].turn([Charge(MINUTE, 1)], urgent=True) == 0


def test_who_gets_no_turn_in_time_is_told_and_counted(house):
    left(house[0])
    before = metric("hq_requests_held_back_total")
    with pytest.raises(RetryableFailure, match="no free slot") as refusal:
        house[1].wait([Charge(MINUTE, 1)], seconds=0)
    assert refusal.value.code == "rate_limited"
    assert metric("hq_requests_held_back_total") == before + 1
