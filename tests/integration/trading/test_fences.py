"""Nobody but the leader sends: the database refuses the claim, the process the request, the venue what comes late."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import psutil
import pytest
from django.db import DatabaseError, connection, transaction

from apps.foundation import lease
from apps.foundation.errors import Refused
from apps.foundation.lease_memory import Belief, steady
from apps.foundation.models import AuditEntry, DatabaseDuty, Lease
from apps.trading.models import Order, PaperOrder
from apps.trading.models.order_triggers import is_lease_lost
from apps.trading.operations.accounts.open_portfolio import open_portfolio
from tests.support.cloned_database import database_url
from tests.support.leading import HOUSE, lead
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = lease.House("another house", "hq-2")


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def now():
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def another_leads():
    """The lease was let go of, and another house has it: the desk's term is over, and nobody told it."""
    lease.release(house=HOUSE)
    return lead(OTHER)


def refused(order_id, epoch):
    """What the database says to code that only wants to move the row."""
    with pytest.raises(DatabaseError) as caught:
        Order.objects.filter(pk=order_id).update(state="SUBMITTING", epoch=epoch)
    assert is_lease_lost(caught.value)
    return str(caught.value)


def test_an_order_carries_the_epoch_it_was_claimed_under_into_the_record(desk):
    order_id = desk.propose()
    assert desk.send(order_id)
    assert desk.order(order_id).epoch == desk.term.epoch > 0
    entries = AuditEntry.objects.filter(subject=f"order:{order_id}", action="order.state_changed")
    assert {entry.epoch for entry in entries} == {desk.term.epoch}


def test_a_claim_of_an_earlier_epoch_is_refused_and_the_next_leader_sends_the_order(desk):
    order_id = desk.propose()
    later = another_leads()
    assert not desk.send(order_id)
    assert (desk.order(order_id).state, desk.venue.sent.total()) == ("APPROVED", 0)
    assert "lease of paper is in epoch" in refused(order_id, desk.term.epoch)
    desk.term = later
    assert desk.send(order_id)
    assert desk.venue.sent.total() == 1


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"expires_at": lease.SUBMIT_BUDGET - timedelta(seconds=1)}, "ends at"),
        ({"expires_at": timedelta(seconds=-1)}, "ends at"),
        ({"sends_from": timedelta(minutes=1)}, "may be under way"),
    ],
)
def test_nothing_is_claimed_at_the_end_of_a_term_nor_while_an_earlier_request_may_arrive(desk, values, says):
    order_id = desk.propose()
    Lease.objects.update(**{name: now() + span for name, span in values.items()})
    assert says in refused(order_id, desk.term.epoch)
    assert not desk.send(order_id)
    assert desk.order(order_id).state == "APPROVED"


def test_who_can_not_renew_in_time_stops_by_himself_although_the_lease_still_stands(desk):
    order_id = desk.propose()
    desk.term.known.belief = Belief(desk.term.epoch, until=steady() - 0.1)
    assert not desk.send(order_id)
    assert (desk.order(order_id).state, desk.venue.sent.total()) == ("APPROVED", 0)


def test_a_sale_passes_the_same_fence(desk):
    desk.buy()
    order_id = desk.propose(side="sell", reduce_only=True)
    another_leads()
    assert not desk.send(order_id)
    assert desk.venue.sent.total() == 1


def test_a_research_instance_takes_no_orders(desk, settings):
    settings.HQ_ROLE = "research"
    with pytest.raises(Refused, match="sends no orders"):
        desk.propose()


def sender_of(order_id, desk, *words):
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.frozen_sender", str(order_id), str(desk.term.epoch), *words],
        env={**os.environ, "DATABASE_URL": database_url(), "MARKET": "recorded"},
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    return process


def woken(process):
    process.send_signal(signal.SIGCONT)
    return process.communicate(timeout=60)[0].splitlines()[-1]


def test_a_process_that_was_frozen_before_its_claim_can_not_commit_it(desk):
    order_id = desk.propose()
    process = sender_of(order_id, desk, "claim")
    another_leads()
    assert woken(process) == "False"
    assert desk.order(order_id).state == "APPROVED"
    assert not PaperOrder.objects.exists()


def test_a_process_that_was_frozen_between_claim_and_sending_sends_nothing(desk):
    """T15: it wakes believing nothing any more, and says what it knows for sure: nothing left."""
    order_id = desk.propose()
    process = sender_of(order_id, desk, "send")
    assert desk.order(order_id).state == "SUBMITTING"
    another_leads()
    assert woken(process) == "True"
    order = desk.order(order_id)
    assert (order.state, order.reject_code, order.reserved_left) == ("REJECTED", "lease_lost", 0)
    assert not PaperOrder.objects.exists()


def test_in_the_database_of_research_no_order_leaves_whatever_its_lease_table_says(desk):
    order_id = desk.propose()
    DatabaseDuty.objects.update(duty="research")
    with pytest.raises(DatabaseError, match="research instance, which sends nothing"):
        desk.send(order_id)
    assert (desk.order(order_id).state, desk.venue.sent.total()) == ("APPROVED", 0)
    with pytest.raises(DatabaseError, match="research instance, which sends nothing"):
        Order.objects.filter(pk=order_id).update(state="SUBMITTING", epoch=desk.term.epoch, origin="venue")


def test_a_lease_that_nobody_took_lets_no_order_leave(desk):
    """Written by hand it is born ended; and of one that lives all the same (its rules were off) nothing is claimed."""
    open_portfolio(currency="USDT", capital="1000", moment=desk.moment(), account="second")
    order_id, at = desk.propose(account="second"), now()
    born = {"scope": "second", "sends_from": at}
    with pytest.raises(DatabaseError, match="born ended"), transaction.atomic():
        Lease.objects.create(**born, expires_at=at + timedelta(hours=1))
    row = Lease.objects.create(**born, expires_at=at)
    for term in ({}, {"epoch": 7}, {"house": "nobody we know"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Lease.objects.filter(pk=row.pk).update(expires_at=at + timedelta(hours=1), **term)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE foundation_lease DISABLE TRIGGER USER")
        Lease.objects.filter(pk=row.pk).update(expires_at=at + timedelta(hours=1))
        cursor.execute("ALTER TABLE foundation_lease ENABLE TRIGGER USER")
    assert "the lease of second is in epoch 0" in refused(order_id, 0)
