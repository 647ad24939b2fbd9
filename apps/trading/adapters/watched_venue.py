"""A venue whose every answer is timed and told: what the venue's health is made of.

It changes nothing: arguments, answers and errors pass through. A quick good answer is told at most once a second while
the one told before it was good too, so that watching costs an order next to nothing.
"""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Protocol, cast

from apps.foundation.errors import HQError, OutcomeUnknown, RetryableFailure
from apps.trading.domain.risk.venue_ladder import SLOW_MS
from apps.trading.ports import Venue, VenueRefused

TOLD_EVERY = 1.0  # seconds between good answers that are told
CALLS = frozenset(
    {
        "submit",
        "find",
        "cancel",
        "amend",
        "open_orders",
        "closed_orders",
        "fills_since",
        "balances",
        "transfers_since",
        "rules",
        "clock_offset",
        "healthy",
        "key_rights",
    }
)
# Codes of venue errors that say more than their class.
KIND_OF_CODE = {
    "venue_rate_limited": "rate_limited",
    "house_rate_limited": "refused",  # the house asked nothing: the venue's health is not touched
    "venue_banned": "banned",
    "venue_key_refused": "forbidden",
    "venue_blocked": "forbidden",
    "venue_not_reached": "unavailable",
    "bad_venue_answer": "bad_answer",
}


class TellAnswer(Protocol):
    """Where answers are told; never raises."""

    def __call__(self, *, account: str, ok: bool, kind: str, latency_ms: float) -> None: ...


class TellClock(Protocol):
    """Where readings of the venue's clock are told; never raises."""

    def __call__(self, *, account: str, offset: timedelta) -> None: ...


def watched(venue: Venue, *, tell: TellAnswer, tell_clock: TellClock) -> Venue:
    """The venue, watched."""
    return cast("Venue", WatchedVenue(venue, tell=tell, tell_clock=tell_clock))


def kind_of_failure(error: Exception) -> str:
    """The kind that an error of a venue is told as."""
    if isinstance(error, HQError) and error.code in KIND_OF_CODE:
        return KIND_OF_CODE[error.code]
    if isinstance(error, VenueRefused):
        return "refused"
    if isinstance(error, OutcomeUnknown):
        return "outcome_unknown"
    return "unavailable" if isinstance(error, RetryableFailure) else "unmapped"


class WatchedVenue:
    """Hands everything on to the venue it watches and times the calls that cross the network."""

    def __init__(self, venue: Venue, *, tell: TellAnswer, tell_clock: TellClock) -> None:
        self._venue = venue
        self._tell = tell
        self._tell_clock = tell_clock
        self._lock = threading.Lock()
        self._told_at = float("-inf")
        self._told_good = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._venue, name)
        return self._timed(found, name) if name in CALLS else found

    def _timed(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(call)
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                answer = call(*args, **kwargs)
            except Exception as error:  # told, then raised on as it came
                kind = kind_of_failure(error)
                self._answered(kind == "refused", kind, began)
                raise
            self._answered(True, "ok", began)
            if name == "clock_offset":
                self._tell_clock(account=self._venue.account, offset=answer)
            return answer

        return timed

    def _answered(self, ok: bool, kind: str, began: float) -> None:
        now = time.perf_counter()
        latency_ms = (now - began) * 1000.0
        good = ok and latency_ms < SLOW_MS
        with self._lock:
            if good and self._told_good and now - self._told_at < TOLD_EVERY:
                return
            self._told_at, self._told_good = now, good
        self._tell(account=self._venue.account, ok=ok, kind=kind, latency_ms=latency_ms)
