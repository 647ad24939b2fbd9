"""Builds the venue of each account, once a process, for tasks, loops and commands."""

import threading
import time
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from typing import cast

import structlog
from django.conf import settings
from django.db import DatabaseError

from apps.foundation.errors import NotReady, Refused, RetryableFailure
from apps.market.queries import current_moment
from apps.trading import queries
from apps.trading.adapters.paper_venue import PaperVenue
from apps.trading.adapters.remote_venues import build_venue, request_life_of
from apps.trading.adapters.sealed_keys import KeysNotHere, open_keys
from apps.trading.adapters.steered_exchange import SteeredExchange
from apps.trading.adapters.watched_venue import watched
from apps.trading.domain.venues.venues import PAPER, SIMULATED
from apps.trading.models import Account, AccountMode
from apps.trading.operations.accounts.account_state import record_account_checked, record_account_trouble
from apps.trading.operations.execution.record_venue_answer import record_clock_offset, record_venue_answer
from apps.trading.ports import MatchingVenue, Steered, Venue
from apps.trading.queries.live_needs import missing_for_live

TRY_AGAIN_SECONDS = 30.0
PASSING_SECONDS = 3.0
log = structlog.get_logger(__name__)
_building = threading.Lock()
_remotes: dict[tuple[str, str, str], Venue] = {}
_unchecked: dict[tuple[str, str, str], Venue] = {}  # built, but the venue has not said yet what the keys may do


class AccountNotTradable(NotReady):
    """The venue of an account can't be spoken to at present; the code and the sentence say why.

    ``lasting``: a person has to act; it is written on the account, and nothing new is accepted for it meanwhile.
    """

    code = "account_not_tradable"

    def __init__(self, message: str, *, code: str, lasting: bool = True) -> None:
        super().__init__(message, code=code)
        self.lasting = lasting


_failures: dict[tuple[str, str, str], tuple[float, AccountNotTradable]] = {}


def venue_of(account: str) -> Venue:
    """The venue of one enabled account. Raises ``NotFound``, and ``AccountNotTradable`` with the reason."""
    row = queries.find_account(account)
    if not row.enabled:
        raise AccountNotTradable(f"The account {account} is disabled.", code="account_disabled")
    return _told(_built(row))


def venues() -> dict[str, Venue]:
    """The venues of all enabled accounts that can be spoken to, by account, oldest account first."""
    return _reachable(queries.all_accounts().filter(enabled=True))


def all_venues() -> dict[str, Venue]:
    """Those of the disabled accounts too, so that they are checked and reconciled before anybody enables them."""
    return _reachable(queries.all_accounts())


def _reachable(accounts: Iterable[Account]) -> dict[str, Venue]:
    found: dict[str, Venue] = {}
    for row in accounts:
        with suppress(AccountNotTradable):  # noted on the account and logged when it began
            found[row.name] = _told(_built(row))
    return found


def request_lives() -> dict[str, timedelta]:
    """How long a request may be under way at the venue of each account, enabled or not."""
    kinds = queries.all_accounts().values_list("name", "venue")
    return {name: PaperVenue.request_life if venue == PAPER else request_life_of(venue) for name, venue in kinds}


def paper_venues() -> list[MatchingVenue]:
    """The paper exchanges of all paper accounts, enabled or not: what they hold is matched to its end."""
    return [paper_venue(row.name) for row in queries.all_accounts().filter(venue=PAPER)]


@cache
def steered_exchange() -> Steered | None:
    """The simulator that this house leads through market time; None where there is none."""
    return SteeredExchange(settings.HQ_SIMULATED_CONTROL) if settings.HQ_SIMULATED_CONTROL else None


@cache
def paper_venue(account: str = "paper") -> PaperVenue:
    """The paper exchange of one account."""
    return PaperVenue(account)


def _built(row: Account) -> Venue:
    """Raises ``AccountNotTradable``, having noted on the account why."""
    if row.venue == PAPER:
        return paper_venue(row.name)
    with _building:
        return _remote(row)


def _remote(row: Account) -> Venue:
    """The venue as it was built for these keys, or built now; what failed is tried again after a while only."""
    key = (row.name, row.mode, row.sealed_keys)
    built = _remotes.get(key)
    failed = _failures.get(key)
    if failed is not None:
        at, trouble = failed
        if time.monotonic() - at < (TRY_AGAIN_SECONDS if trouble.lasting else PASSING_SECONDS):
            raise trouble
    try:
        if row.enabled:
            _refuse_unfit(row)
        venue = built or _opened(row)
    except AccountNotTradable as trouble:
        _failures[key] = (time.monotonic(), trouble)
        if trouble.lasting:
            record_account_trouble(account=row.name, code=trouble.code, detail=trouble.message, moment=current_moment())
        raise
    _failures.pop(key, None)
    _remotes[key] = venue
    return venue


def _refuse_unfit(row: Account) -> None:
    missing = missing_for_live(row, standing_only=True)
    if missing:
        detail = " ".join(need.detail for need in missing)
        raise AccountNotTradable(
            f"No real money is moved here. It needs: {detail}", code=f"live_needs_{missing[0].code}"
        )


def _opened(row: Account) -> Venue:
    """Open the keys, build the venue and ask it what the keys may do."""
    try:
        key = (row.name, row.mode, row.sealed_keys)
        venue = _unchecked[key] = _unchecked.get(key) or build_venue(row, open_keys(row))
        withdrawal = _withdrawal(row, venue)
    except RetryableFailure as failure:
        raise AccountNotTradable(failure.message, code=failure.code, lasting=False) from failure
    except LookupError as error:
        raise AccountNotTradable(str(error), code="venue_unknown") from error
    except KeysNotHere as error:
        raise AccountNotTradable(error.message, code=error.code, lasting=False) from error
    except (Refused, NotReady) as error:
        raise AccountNotTradable(error.message, code=error.code) from error
    _unchecked.pop(key)
    record_account_checked(account=row.name, withdrawal=withdrawal, moment=current_moment())
    return venue


def _withdrawal(row: Account, venue: Venue) -> str:
    """A key that may withdraw is refused; where real money moves, so is one of which nobody can say."""
    if row.mode == AccountMode.PAPER and row.venue != SIMULATED:
        venue.healthy()  # a practice endpoint: nothing there can be withdrawn
        return "practice"
    withdrawal = venue.key_rights()
    if withdrawal == "yes":
        raise AccountNotTradable(
            f"The key may withdraw money from {row.venue}. Make one at the venue that may trade only, and seal that.",
            code="key_may_withdraw",
        )
    if withdrawal == "unknown" and row.mode == AccountMode.LIVE:
        raise AccountNotTradable(
            f"{row.venue} did not say whether the key may withdraw; real money is not moved with such a key.",
            code="key_rights_unknown",
        )
    return withdrawal


def _told(venue: Venue) -> Venue:
    """The venue with its answers told to its health; the paper exchange has no network between that could fail."""
    return venue if venue.name == PAPER else _watched(cast("Hashable", venue))


@cache
def _watched(venue: Hashable) -> Venue:
    return watched(cast("Venue", venue), tell=_tell_answer, tell_clock=_tell_clock)


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
