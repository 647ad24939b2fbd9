"""Builds the venue of each account, once a process, for tasks, loops and commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from apps.foundation.errors import NotReady
from apps.trading import queries
from apps.trading.adapters.paper_venue import PaperVenue
from apps.trading.models import Account
from apps.trading.ports import MatchingVenue, Venue


class AccountNotTradable(NotReady):  # noqa: N818 - a state, not a fault
    """The venue of an account can't be spoken to at present; the code and the sentence say why."""

    code = "account_not_tradable"


def venue_of(account: str) -> Venue:
    """The venue of one enabled account. Raises ``NotFound``, and ``AccountNotTradable`` with the reason."""
    row = queries.find_account(account)
    if not row.enabled:
        raise AccountNotTradable(f"The account {account} is disabled.", code="account_disabled")
    return _built(row)


def venues() -> dict[str, Venue]:
    """The venues of all enabled accounts that can be spoken to, by account, oldest account first."""
    found: dict[str, Venue] = {}
    for row in queries.all_accounts().filter(enabled=True):
        with _told_once():
            found[row.name] = _built(row)
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
