"""Holds a requests session of a vendor's library to one try, a time limit and exact numbers."""

from decimal import Decimal
from functools import partial
from typing import Any

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter


class _OneTry(HTTPAdapter):
    """Sends once, and gives up after ``seconds`` without an answer where the caller names no limit."""

    def __init__(self, seconds: float) -> None:
        super().__init__(max_retries=0)
        self._seconds = seconds

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """The same as the library's, with a limit."""
        if options.get("timeout") is None:
            options["timeout"] = self._seconds
        return super().send(request, *args, **options)


def bound(session: Session, *, seconds: float) -> None:
    """Requests of ``session`` are never repeated, end after ``seconds``, and their JSON fractions come as Decimals."""
    for scheme in ("http://", "https://"):
        session.mount(scheme, _OneTry(seconds))
    session.hooks["response"].append(_exact_numbers)


def _exact_numbers(response: Response, *_: Any, **__: Any) -> Response:
    response.json = partial(response.json, parse_float=Decimal)  # type: ignore[method-assign]
    return response
