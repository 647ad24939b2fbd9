"""Tests that send orders lead: they hold the lease of every account there is, for longer than they run."""

from datetime import timedelta

from apps.foundation import lease
from apps.foundation.lease_memory import Belief, LeaseMemory, Term, steady
from apps.trading.models import Account

HOUSE = lease.House("house of the tests", "tests")
FOR_LONG = timedelta(hours=1)


def lead(house: lease.House = HOUSE) -> Term:
    """The term in which ``house`` leads; joined, for accounts that were opened meanwhile."""
    lives = dict.fromkeys(Account.objects.values_list("pk", flat=True), timedelta(0))
    taken = lease.take(house=house, lives=lives, first=True, ttl=FOR_LONG)
    assert taken is not None, lease.observe()
    known = LeaseMemory(Belief(taken.epoch, until=steady() + FOR_LONG.total_seconds()))
    return Term(taken.epoch, known)
