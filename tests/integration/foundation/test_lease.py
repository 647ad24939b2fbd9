"""The lease: one holder at a time, whoever races; epochs that rise; terms that never come back."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from apps.foundation import lease
from apps.foundation.lease import House
from apps.foundation.models import DatabaseDuty, Lease, RecordEpoch
from tests.support.lease_racer import SCOPES

A, B = House("house of a", "a"), House("house of b", "b")
LIFE = timedelta(seconds=5)
MINUTE = timedelta(minutes=1)


def taken_by(house, *scopes, **given):
    return lease.take(house=house, lives=dict.fromkeys(scopes or SCOPES, LIFE), **{"first": True, **given})


def let_it_end():
    """The term ends as if its time had passed: nobody renewed it."""
    Lease.objects.update(expires_at=connection_now() - timedelta(seconds=1))


def connection_now():
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


@pytest.mark.django_db
class TestTaking:
    def test_all_accounts_are_held_by_one_house_under_one_epoch(self):
        taken = taken_by(A)
        assert (taken.epoch, taken.fresh, taken.before, taken.waits) == (1, True, "", 0)
        assert {(one.scope, one.house, one.epoch, one.alive) for one in lease.observe()} == {
            (scope, A.key, 1, True) for scope in SCOPES
        }
        assert taken_by(B) is None

    def test_processes_of_one_house_share_its_term(self):
        first, again = taken_by(A), taken_by(A)
        assert (again.epoch, again.fresh) == (first.epoch, False)

    def test_a_new_account_joins_the_running_term(self):
        first = taken_by(A, "paper")
        again = taken_by(A, "paper", "binance-1")
        assert (again.epoch, again.fresh) == (first.epoch, False)
        assert lease.renew(house=A, epoch=first.epoch) == {"paper", "binance-1"}

    def test_an_ended_term_is_renewed_by_nobody_and_taken_under_the_next_epoch(self):
        first = taken_by(A)
        let_it_end()
        assert lease.renew(house=A, epoch=first.epoch) == frozenset()
        again = taken_by(A)
        assert (again.epoch, again.fresh, again.before, again.waits) == (first.epoch + 1, True, "", 0)

    def test_after_another_house_nothing_is_sent_while_a_request_of_it_may_be_under_way(self):
        taken_by(A)
        let_it_end()
        taken = taken_by(B)
        assert (taken.before, taken.let_go) == ("a", False)
        assert 0 < taken.waits <= LIFE.total_seconds()
        assert all(0 < one.sends_in <= LIFE.total_seconds() for one in lease.observe())

    def test_a_house_that_let_go_is_not_waited_for(self):
        taken_by(A)
        assert lease.release(house=A) == len(SCOPES)
        taken = taken_by(B)
        assert (taken.before, taken.let_go, taken.waits) == ("a", True, 0)
        assert lease.release(house=A) == 0

    def test_who_stands_by_takes_nothing_that_nobody_ever_held(self):
        assert taken_by(B, first=False) is None
        taken_by(A)
        let_it_end()
        assert taken_by(B, first=False).epoch == 2

    def test_a_restore_ends_every_term(self):
        first = taken_by(A)
        RecordEpoch.objects.update(epoch=1_700_000_000)
        again = taken_by(A)
        assert (again.fresh, again.epoch) == (True, 1_700_000_001)
        assert first.epoch < again.epoch


@pytest.mark.django_db
class TestTheDatabaseRefuses:
    def refused(self, says, **values):
        with pytest.raises(DatabaseError, match=says), transaction.atomic():
            Lease.objects.filter(scope="paper").update(**values)

    def test_a_lower_epoch(self):
        taken_by(A)
        self.refused("may not fall", epoch=0)

    def test_a_second_holder(self):
        taken_by(A)
        self.refused("is held by a", house=B.key, holder="b", epoch=2)

    def test_an_ended_term_come_back_to_life(self):
        taken_by(A)
        let_it_end()
        self.refused("a new term needs a new epoch", expires_at=connection_now() + MINUTE)
        self.refused("a new term needs a new epoch", house=B.key)

    def test_rows_that_are_deleted_or_born_with_a_holder(self):
        taken_by(A)
        with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic():
            Lease.objects.all().delete()
        now = connection_now()
        with pytest.raises(DatabaseError, match="born ended and without a holder"), transaction.atomic():
            Lease.objects.create(scope="x", house="h", epoch=1, expires_at=now, sends_from=now)

    def test_anybody_leading_in_the_database_of_research(self):
        assert lease.decide_duty(research=True) == "research"
        assert lease.decide_duty(research=False) == "research"
        with pytest.raises(DatabaseError, match="nobody trades on it"), transaction.atomic():
            taken_by(A)
        with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
            DatabaseDuty.objects.update(duty="trading")

    def test_research_on_the_database_of_a_firm(self):
        taken_by(A)
        assert lease.decide_duty(research=True) == "trading"
        assert taken_by(A) is not None
