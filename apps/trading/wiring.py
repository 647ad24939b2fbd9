"""Builds the venue of each account, once a process, for tasks, loops and commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache

import structlog
from django.db import DatabaseError

from apps.foundation.errors import NotReady
from apps.market.queries import current_moment
from apps.trading import queries
from apps.trading.adapters.paper_venue import PaperVenue
from apps.trading.adapters.watched_venue import watched
from apps.trading.models import Account
from apps.trading.operations.record_venue_answer import record_clock_offset, record_venue_answer
from apps.trading.ports import MatchingVenue, Venue

log = structlog.get_logger(__name__)


class AccountNotTradable(NotReady):  # noqa: N818 - a state, not a fault
    """The venue of an account can't be spoken to at present; the code and the sentence say why."""

    code = "account_not_tradable"


def venue_of(account: str) -> Venue:
    """The venue of one enabled account. Raises ``NotFound``, and ``AccountNotTradable`` with the reason."""
    row = queries.find_account(account)
    if not row.enabled:
        raise AccountNotTradable(f"The account {account} is disabled.", code="account_disabled")
    return _told(_built(row))


def venues() -> dict[str, Venue]:
    """The venues of all enabled accounts that can be spoken to, by account, oldest account first."""
    found: dict[str, Venue] = {}
    for row in queries.all_accounts().filter(enabled=True):
        with _told_once():
            found[row.name] = _told(_built(row))
    return found


def paper_venues() -> list[MatchingVenue]:
    """The paper exchanges of all paper accounts, enabled or not: what they hold is matched to its end."""
    return [paper_venue(row.name) for row in queries.all_accounts().filter(venue="paper")]


@cache
def paper_venue(account: str = "paper") -> PaperVenue:
    """The paper exchange of one account."""
    return PaperVenue(account)


@contextmanager
def _told_once() -> Iterator[None]:
    try:
        yield
    except AccountNotTradable:
        pass


def _built(row: Account) -> Venue:
    if row.venue == "paper":
        return paper_venue(row.name)
    raise AccountNotTradable(
        f"The account {row.name} is at {row.venue!r}; the venues there are: paper.", code="venue_unknown"
    )


def _told(venue: Venue) -> Venue:
    """The venue with its answers told to its health; the paper exchange has no network between that could fail."""
    return venue if venue.name == "paper" else _watched(venue)


@cache
def _watched(venue: Venue) -> Venue:
    return watched(venue, tell=_tell_answer, tell_clock=_tell_clock)


def _tell_answer(*, account: str, ok: bool, kind: str, latency_ms: float) -> None:
    with _measure_may_be_lost():
        record_venue_answer(account=account, ok=ok, kind=kind, latency_ms=latency_ms, moment=current_moment())


def _tell_clock(*, account: str, offset: timedelta) -> None:
    with _measure_may_be_lost():
        record_clock_offset(account=account, offset=offset, moment=current_moment())


@contextmanager
def _measure_may_be_lost() -> Iterator[None]:
    """What a venue answered to an order counts, whether or not its health can be written down."""
    try:
        yield
    except DatabaseError as error:
        log.warning("venue_answer_not_recorded", reason=str(error))
