"""The executor of the primary is killed (T18), or its line to PostgreSQL is cut (T16); that of the backup, on the same
database, takes over and trades on.

Two real processes without the rest of their houses; ``make drills DRILLS=T18`` plays it with two whole ones.
"""

import time
from collections import Counter

import pytest
from django.db import connection

from apps.foundation import beats, lease
from apps.trading import queries
from apps.trading.models import OrderTransition, PaperOrder
from tests.support.execution_worker import ExecutionWorker
from tests.support.leading import HOUSE
from tests.support.trading_desk import open_desk
from workers.drills.tcp_proxy import TcpProxy, Weather

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
LIMIT = 90


@pytest.fixture
def desk(clean_redis):
    made = open_desk()
    lease.release(house=HOUSE)
    return made


@pytest.fixture
def start(tmp_path):
    running = []

    def started(name, role, **given):
        running.append(ExecutionWorker(tmp_path / name, name=name, role=role, **given))
        return running[-1]

    yield started
    for worker in running:
        worker.kill()


def until(question, what, worker):
    deadline = time.monotonic() + LIMIT
    while not (answer := question()):
        assert time.monotonic() < deadline, f"Waited for {what}:\n{worker.log.read_text()[-3000:]}"
        time.sleep(0.2)
    return answer


def leads(name):
    return lambda: {(one.holder, one.alive) for one in lease.observe()} == {(name, True)}


def trades():
    return queries.reconciled("paper") and queries.trading_state("paper").state == "ACTIVE"


def test_the_backup_trades_on_and_no_order_is_sent_twice(desk, start):
    primary = start("hq-1", "primary")
    until(leads("hq-1"), "the primary to lead", primary)
    until(trades, "the primary to trade", primary)
    first = desk.propose(quantity="0.001")
    until(lambda: desk.order(first).state == "ACCEPTED", "the primary to send", primary)

    backup = start("hq-2", "backup")
    pulses = lambda: {pulse.name: pulse.detail for pulse in beats.all()}  # noqa: E731
    until(lambda: "hq-2:execution/order_sweep" in pulses(), "the backup to stand by", backup)
    assert "hq-1 holds the lease" in pulses()["hq-2:execution/order_sweep"]["standing_by"]
    assert leads("hq-1")()

    primary.kill()
    until(leads("hq-2"), "the backup to lead", backup)
    until(trades, "the backup to trade", backup)
    second = desk.propose(quantity="0.001")
    until(lambda: desk.order(second).state == "ACCEPTED", "the backup to send", backup)

    assert desk.order(second).epoch > desk.order(first).epoch
    sent = Counter(OrderTransition.objects.filter(to_state="SUBMITTING").values_list("order_id", flat=True))
    assert sorted(sent.values()) == [1, 1]
    assert PaperOrder.objects.count() == 2
    desk.assert_books_balance()


@pytest.fixture
def line():
    """Between one house and PostgreSQL; the other house and the test speak to it directly."""
    settings = connection.settings_dict
    with TcpProxy((settings["HOST"], int(settings["PORT"]))) as proxy:
        yield proxy


def test_a_primary_that_is_cut_off_stops_by_itself_and_the_backup_trades_on(desk, start, line):
    primary = start("hq-1", "primary", database_port=line.port)
    until(leads("hq-1"), "the primary to lead", primary)
    until(trades, "the primary to trade", primary)
    backup = start("hq-2", "backup")
    until(lambda: "hq-2:execution/order_sweep" in {pulse.name for pulse in beats.all()}, "the backup", backup)

    line.weather = Weather.BLACKHOLE  # a pulled cable: nothing ends, nothing arrives
    waiting = desk.propose(quantity="0.001")
    until(leads("hq-2"), "the backup to lead", backup)
    until(trades, "the backup to trade", backup)
    # Approved before the takeover: the backup sends it, or ends it unsent while it may only reduce risk.
    until(lambda: desk.order(waiting).state in {"ACCEPTED", "CANCELED"}, "the backup to decide", backup)
    following = desk.propose(quantity="0.001")
    until(lambda: desk.order(following).state == "ACCEPTED", "the backup to send", backup)

    line.clear()  # what was half open is reset
    until(stands_by, "the primary to stand by", primary)
    later = desk.propose(quantity="0.001")
    until(lambda: desk.order(later).state == "ACCEPTED", "the backup to send again", backup)
    assert leads("hq-2")()
    assert {desk.order(order).epoch for order in (following, later)} == {one.epoch for one in lease.observe()}
    sent = Counter(OrderTransition.objects.filter(to_state="SUBMITTING").values_list("order_id", flat=True))
    assert set(sent.values()) == {1}
    assert PaperOrder.objects.count() == len(sent) == 2 + (desk.order(waiting).state == "ACCEPTED")
    desk.assert_books_balance()


def stands_by():
    """Whether the primary's loops say that it does not lead any more."""
    pulse = next(one for one in beats.all() if one.name == "execution/order_sweep")
    return "hq-2 holds the lease" in pulse.detail.get("standing_by", "")
