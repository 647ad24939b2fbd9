"""The lease: which house may trade. One row an account, held by one house for all of them, on the database's clock.

Whoever holds it renews it; whoever finds it ended may take it, under the next epoch. No time of ours decides anything
here. What a process may conclude from a renewal, and for how long, is ``lease_memory``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import connection

from apps.foundation.models import DatabaseDuty, Lease
from apps.foundation.models.database_duty import ONLY, RESEARCH, TRADING

TTL = timedelta(seconds=15)  # from the renewal
RENEW_EVERY = timedelta(seconds=4)
SUBMIT_BUDGET = timedelta(seconds=4)  # what the term must still last when an order is claimed

_TAKE = "SELECT hq_take_leases(%s, %s, %s, %s, %s, %s)"
_RENEW = """
UPDATE foundation_lease SET renewed_at = clock_timestamp(), expires_at = clock_timestamp() + %s
WHERE house = %s AND epoch = %s AND expires_at > clock_timestamp() RETURNING scope
"""
_RELEASE = """
UPDATE foundation_lease SET expires_at = clock_timestamp(), released = true
WHERE house = %s AND expires_at > clock_timestamp()
"""
_OBSERVE = """
SELECT scope, holder, house, epoch, expires_at > clock_timestamp(),
       extract(epoch FROM clock_timestamp() - renewed_at)::float8,
       greatest(0, extract(epoch FROM sends_from - clock_timestamp()))::float8,
       acquired_at, renewed_at, expires_at
FROM foundation_lease WHERE epoch > 0 ORDER BY scope
"""


@dataclass(frozen=True, slots=True)
class House:
    """One running set of processes. ``key`` tells it from every other, ``name`` (``HQ_INSTANCE``) is for people."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A term that is ours now. ``fresh``: it begins with this call; ``waits``: seconds until something may be sent.

    ``before``: the name of the other house that held the last term, empty where there was none; ``let_go``: it did.
    """

    epoch: int
    fresh: bool
    waits: float
    before: str
    let_go: bool


@dataclass(frozen=True, slots=True)
class LeaseSeen:
    """One lease as the database sees it now; ages in seconds."""

    scope: str
    holder: str
    house: str
    epoch: int
    alive: bool
    renewed_ago: float
    sends_in: float
    acquired_at: datetime
    renewed_at: datetime
    expires_at: datetime


def this_house() -> House:
    """The house that this process belongs to."""
    return House(settings.HQ_HOUSE, settings.HQ_INSTANCE)


def take(*, house: House, lives: Mapping[str, timedelta], first: bool, ttl: timedelta = TTL) -> Taken | None:
    """Take the leases of the accounts in ``lives``, or join our own house's running term; None: they are another's.

    All or none. ``lives``: of each account, how long a request may be under way at its venue; after another house that
    did not let go, nothing is sent for that long after its end. ``first``: also where nobody ever held them. Raises
    ``django.db.DatabaseError`` in the database of a research instance.
    """
    scopes = sorted(lives)
    if not scopes:
        return None
    values: list[Any] = [house.key, house.name, ttl, scopes, [lives[scope] for scope in scopes], first]
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        row = cursor.fetchone()
    if row is None or row[0] is None:
        return None
    told: dict[str, Any] = orjson.loads(row[0])
    return Taken(**told)


def renew(*, house: House, epoch: int, ttl: timedelta = TTL) -> frozenset[str]:
    """The accounts whose lease lives on for ``ttl`` from now; none where the term has ended."""
    values: list[Any] = [ttl, house.key, epoch]
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, values)
        return frozenset(scope for (scope,) in cursor.fetchall())


def release(*, house: House) -> int:
    """End our term now; of how many accounts. Only when nothing of the house can send any more."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [house.key])
        return cursor.rowcount


def observe() -> list[LeaseSeen]:
    """Every lease that was ever held, by account."""
    with connection.cursor() as cursor:
        cursor.execute(_OBSERVE)
        return [LeaseSeen(*row) for row in cursor.fetchall()]


def decide_duty(*, research: bool) -> str:
    """What this database is for, decided by the first house that asks; the answer is the standing decision."""
    wanted = RESEARCH if research else TRADING
    if research and Lease.objects.filter(epoch__gt=0).exists():
        return TRADING
    DatabaseDuty.objects.filter(pk=ONLY, duty="").update(duty=wanted)
    return DatabaseDuty.objects.values_list("duty", flat=True).get(pk=ONLY)
