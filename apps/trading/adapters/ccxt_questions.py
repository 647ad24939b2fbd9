"""Questions to an exchange and wishes for changes, with what each failure proves."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any

import aiohttp

from apps.foundation.errors import HQError, OutcomeUnknown, RetryableFailure
from apps.trading.adapters.ccxt_classes import library_errors
from apps.trading.adapters.ccxt_connection import Call, CcxtConnection
from apps.trading.adapters.ccxt_errors import meaning_of, short
from apps.trading.ports import BadVenueAnswer, BadVenueOutcome, VenueOrderExists, VenueRefused

SEND_SECONDS, READ_SECONDS = 12.0, 30.0  # a call may take, with its wait in the library's throttle
# What the library raises while it reads an answer of another shape.
_UNREADABLE = (TypeError, AttributeError, KeyError, IndexError, ValueError, ArithmeticError)
_FAILURES = (library_errors().BaseError, aiohttp.ClientError, OSError, *_UNREADABLE)


class CcxtQuestions:
    """``readable``: whether a text is data of this exchange. ``refused`` is told the code of each refused change."""

    def __init__(
        self, connection: CcxtConnection, *, readable: Callable[[str], bool], refused: Callable[[str], None]
    ) -> None:
        self.name = connection.exchange
        self._connection, self._readable, self._refused = connection, readable, refused

    def read(self, question: Callable[[Any], Awaitable[Any]], *, offline: bool = False) -> Any:
        """Ask; every failure is a ``RetryableFailure`` with the code of its cause."""
        call = Call(readable=self._readable, offline=offline)
        try:
            answer = self._connection.ask(question, call=call, seconds=READ_SECONDS)
        except TimeoutError as error:
            raise RetryableFailure(f"{self.name} did not answer in time.", code="venue_timeout") from error
        except HQError:
            raise
        except _FAILURES as error:
            if call.nonsense:
                raise self._page_read(call) from error
            if isinstance(error, _UNREADABLE):
                raise self._unreadable(BadVenueAnswer, error, call) from error
            meaning = meaning_of(error, exchange=self.name)
            unknown = "venue_has_no_such_door" if call.status == HTTPStatus.NOT_FOUND else "venue_away"
            code = unknown if meaning.fate == "unknown" else meaning.code
            raise RetryableFailure(f"{self.name}: {short(error)}", code=code) from error
        if call.nonsense:
            raise self._page_read(call)
        return answer

    def send(
        self,
        question: Callable[[Any], Awaitable[Any]],
        *,
        leave_by: datetime | None = None,
        may_leave: Callable[[], bool] | None = None,
        once: bool = True,
    ) -> Any:
        """Ask for a change, by at most one request. What is not proven refused has an unknown outcome."""
        call = Call(readable=self._readable, once=once, leave_by=leave_by, may_leave=may_leave)
        try:
            answer = self._connection.ask(question, call=call, seconds=SEND_SECONDS, sending=True)
        except TimeoutError as error:
            raise OutcomeUnknown(f"{self.name} did not answer in time.") from error
        except RetryableFailure as failure:  # no turn came
            if call.sends:
                raise OutcomeUnknown(f"After the request: {failure.message}") from failure
            raise VenueRefused(f"Nothing was sent: {failure.message}", code=failure.code) from failure
        except HQError:
            raise
        except _FAILURES as error:
            if call.nonsense:
                raise self._page(BadVenueOutcome, call) from error
            if isinstance(error, _UNREADABLE):
                raise self._unreadable(BadVenueOutcome, error, call) from error
            raise self._failure(error) from error
        if call.nonsense:
            raise self._page(BadVenueOutcome, call)
        return answer

    def _failure(self, error: Exception) -> HQError:
        meaning = meaning_of(error, exchange=self.name)
        words = f"{self.name}: {short(error)}"
        self._refused(meaning.code)
        if meaning.fate == "exists":
            return VenueOrderExists(words)
        if meaning.fate in {"refused", "absent"}:
            return VenueRefused(words, code=meaning.code)
        return OutcomeUnknown(words)

    def _page(self, kind: type[HQError], call: Call) -> HQError:
        return kind(f"{self.name} answered with a page instead of data.", answer=call.nonsense)

    def _page_read(self, call: Call) -> HQError:
        """Something between us and the exchange answered a read: no word of the exchange's own, and asked for again."""
        message = f"{self.name} answered with a page instead of data: {call.nonsense}"
        return RetryableFailure(message, code=BadVenueAnswer.code)

    def _unreadable(self, kind: type[HQError], error: Exception, call: Call) -> HQError:
        return kind(f"{self.name} answered what can't be read ({short(error)}).", answer=call.body[:200])
