"""Gate, guard and sweep need no Redis: it may be away, or come back empty, and no order is lost or sent twice."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.foundation import redis_pool
from apps.trading.models import Order
from tests.support.celery_broker import broker_at
from tests.support.own_redis import OwnRedis
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own_redis(tmp_path, settings):
    """A Redis for this test alone: cache, quotes and broker."""
    own = OwnRedis(tmp_path)
    own.start()
    settings.REDIS_URL = own.url
    redis_pool.client.cache_clear()
    with broker_at(own.url):
        yield own
    own.stop()
    redis_pool.client.cache_clear()


def crash(desk):
    stop_price = desk.stops()[0].stop_price
    return {"BTC": (50_000, 50_000, stop_price - 100, stop_price - 50)}


def test_a_stop_fires_and_fills_while_redis_is_away(own_redis):
    desk = open_desk()
    desk.buy()
    own_redis.stop()
    desk.bar(**crash(desk))
    assert desk.stops()[0].state == "ACCEPTED"
    desk.bar()
    assert desk.position().quantity == 0
    assert max(desk.venue.sent.values()) == 1
    desk.assert_books_balance()


def test_orders_in_flight_resolve_and_new_ones_are_judged_while_redis_is_away(own_redis):
    desk = open_desk()
    waiting = desk.propose(quantity="0.001")
    own_redis.stop()
    later = desk.propose(symbol="ETH/USDT", quantity="0.01")
    desk.sweep(later=3)
    desk.bar()
    assert {desk.order(waiting).state, desk.order(later).state} == {"FILLED"}
    assert set(desk.venue.sent.values()) == {1}
    desk.assert_books_balance()


def test_an_emptied_redis_changes_nothing(own_redis):
    desk = open_desk()
    first = desk.propose(quantity="0.001")
    own_redis.client.flushall()
    own_redis.stop()
    own_redis.start()
    desk.sweep(later=3)
    desk.bar()
    second = desk.propose(quantity="0.001")
    desk.sweep(later=3)
    desk.bar()
    assert [desk.order(first).state, desk.order(second).state] == ["FILLED", "FILLED"]
    assert set(desk.venue.sent.values()) == {1}
    assert Order.objects.filter(is_protective=False).count() == 2
    desk.assert_books_balance()


def test_the_guards_reads_do_not_grow_with_the_instruments(own_redis):
    """One read of bars for all, and one pass over what is armed: more positions cost no more round trips."""
    desk = open_desk()
    counted = []
    for symbol, quantity in (("BTC/USDT", "0.001"), ("ETH/USDT", "0.01"), ("SOL/USDT", "0.3")):
        desk.buy(symbol=symbol, quantity=quantity)
        desk.market.bar()
        desk.match()
        with CaptureQueriesContext(connection) as queries:
            desk.guard()
        counted.append(len(queries))
    assert counted[-1] <= counted[0], counted
    assert counted[-1] <= 40, [query["sql"][:90] for query in queries]
    assert Decimal(0) < desk.position().quantity
