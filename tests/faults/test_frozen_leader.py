"""T15: the leader's executor is frozen while it sends, another house leads and trades on, then it wakes.

At the exchange simulator through the real ccxt; the exchange's own log is the oracle. The places before the request are
also in ``tests/integration/trading/test_fences.py``, on paper.
"""

import time

import pytest

from apps.foundation import lease
from tests.faults.conftest import FULL
from tests.support.exchange_desk import ExchangeDesk
from tests.support.frozen_at_exchange import PLACES, FrozenAtExchange
from tests.support.leading import HOUSE, lead
from tests.support.running_exchange import UNMETERED, RunningExchange
from tests.support.staged_market import stage_market

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
ROUNDS = range(10 if FULL else 1)
PLAYED = PLACES if FULL else ("write",)
OTHER = lease.House("another house", "hq-2")
REQUEST_LIFE = 5.0  # what Binance is told: a request that arrives later is refused
RELIED = 0.5
WAITS = {"claim": 0.0, "send": 2 * RELIED, "write": REQUEST_LIFE + 1}
# Where the machine is slow, the request's own life has ended before its sender looks at the lease.
CODES = {"claim": {""}, "send": {"lease_lost", "venue_request_expired"}, "write": {"venue_clock_skew"}}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with RunningExchange(tmp_path_factory.mktemp("exchange"), level_value=5_000_000, **UNMETERED) as exchange:
        yield exchange


@pytest.fixture
def desk(clean_redis, running):
    market = stage_market()
    market.bar()
    made = ExchangeDesk(market, running)
    yield made
    made.venue.close()


@pytest.mark.parametrize("place", PLAYED)
@pytest.mark.parametrize("round_", ROUNDS)
def test_it_wakes_and_the_exchange_takes_nothing_of_it(desk, place, round_):
    order_id = desk.propose(quantity="0.001")
    frozen = FrozenAtExchange(desk, order_id, place, relied=RELIED if place == "send" else 3600.0)
    try:
        stood = time.monotonic()
        assert desk.order(order_id).state == ("APPROVED" if place == "claim" else "SUBMITTING")
        first = desk.term.epoch
        lease.release(house=HOUSE)
        desk.term = lead(OTHER)
        assert desk.term.epoch == first + 1
        while time.monotonic() < stood + WAITS[place]:
            time.sleep(0.1)  # what may still arrive is waited out, as the takeover does
        said = frozen.wake()
    finally:
        frozen.kill()
    arrived = [one["answered"] for one in desk.running.creates(desk.order(order_id).client_order_id)]
    order = desk.order(order_id)
    assert (said, arrived, order.state) == {
        "claim": ("False", [], "APPROVED"),  # the database refused the claim: its epoch is over
        "send": ("True", [], "REJECTED"),  # the process itself stopped the request
        "write": ("True", ["400"], "REJECTED"),  # the exchange refused it as too late
    }[place]
    assert order.reject_code in CODES[place]
    following = order_id if place == "claim" else desk.propose(quantity="0.001")
    desk.sweep(later=5)
    assert desk.creates(following) == 1
    assert desk.order(following).epoch == first + 1
    desk.assert_agrees()
