"""What an error of alpaca-py proves: not taken, already there, not known there, or nothing at all."""

import json
from typing import Any

from apps.foundation.errors import HQError, OutcomeUnknown, RetryableFailure
from apps.trading.ports import VenueOrderExists, VenueRefused

# Only these, in the broker's own words, prove that an order was not taken. A 429 or 5xx may come from a front door
# after the order went through; a page instead of JSON is nobody's word.
_REFUSING = frozenset({400, 401, 403, 404, 422})
_NOT_FOUND, _TOO_MANY = 404, 429
_UNIQUE = "client_order_id must be unique"
_CODES = {401: "venue_key_refused", _NOT_FOUND: "venue_unknown_instrument", 403: "venue_not_allowed"}


def own_words(error: Exception) -> tuple[int | None, str]:
    """The HTTP status and the broker's message; an empty message where the answer was not the broker's JSON."""
    status = getattr(error, "status_code", None)
    try:
        said: Any = json.loads(str(error))
    except ValueError:
        return status, ""
    return status, str(said.get("message", "")) if isinstance(said, dict) else ""


def not_known(error: Exception) -> bool:
    """Did the broker itself say that it has no such thing?"""
    status, words = own_words(error)
    return status == _NOT_FOUND and bool(words)


def of_send(error: Exception) -> HQError:
    """The house's error for a create, cancel or change that failed so."""
    status, words = own_words(error)
    if status in _REFUSING and words:
        if _UNIQUE in words:
            return VenueOrderExists(f"Alpaca: {words}.")
        return VenueRefused(f"Alpaca refused: {words}.", code=_CODES.get(status, "venue_refused"))
    return OutcomeUnknown(f"Alpaca: nobody knows what became of it ({_short(error, status)}).")


def of_read(error: Exception) -> RetryableFailure:
    """The house's error for a question that failed so: never evidence of anything."""
    status, words = own_words(error)
    if status in {401, 403} and words:
        return RetryableFailure(f"Alpaca does not accept the key: {words}.", code="venue_key_refused")
    if status == _TOO_MANY:
        return RetryableFailure("Alpaca asks to be left alone for a while.", code="venue_rate_limited")
    return RetryableFailure(f"Alpaca: {_short(error, status)}.", code="venue_away")


def _short(error: Exception, status: int | None) -> str:
    return f"{type(error).__name__}{f' {status}' if status else ''}: {str(error)[:120]}"
