"""The clients of one account at one exchange: built once, watched request by request, called with a deadline."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

import aiohttp
import certifi
from aiohttp.connector import Connection

from apps.foundation.clock import wall_now
from apps.trading.adapters.ccxt_classes import library_errors, streaming_class
from apps.trading.adapters.ccxt_turns import QuotasOf, VenueTurns
from apps.trading.adapters.urgent_calls import is_urgent
from apps.trading.adapters.venue_event_loop import venue_loop, wait_for
from apps.trading.ports import LeaseLost, VenueRefused

TIMEOUT_MS = 8_000
LONGEST_SILENCE = 600.0  # seconds that a Retry-After is obeyed at most
_SPOT = {
    "defaultType": "spot",
    "fetchMarkets": {"types": ["spot"]},
    "fetchMargins": False,
    "fetchCurrencies": False,
    "warnOnFetchOpenOrdersWithoutSymbol": False,
    "adjustForTimeDifference": False,  # the clock is measured here, not inside other requests
    "maxRetriesOnFailure": 0,  # the library's own retry would place an order twice
}
_TOO_MANY = frozenset({HTTPStatus.IM_A_TEAPOT, HTTPStatus.TOO_MANY_REQUESTS})  # Binance bans by the former
_errors = library_errors()


@dataclass(slots=True)
class Call:
    """One question to the exchange.

    ``offline``: what is known is enough, no request is needed. ``once``: at most one request may leave; ``leave_by``:
    and not after this time; ``may_leave``: nor once this says False. ``urgent``: it cancels or reduces risk.
    ``nonsense``: an answer that was no data.
    """

    readable: Callable[[str], bool]
    offline: bool = False
    once: bool = False
    leave_by: datetime | None = None
    may_leave: Callable[[], bool] | None = None
    urgent: bool = field(default_factory=is_urgent)
    sends: int = 0
    status: int | None = None
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    nonsense: str = ""
    turn: asyncio.Lock | None = None

    def let_go(self) -> None:
        """End the turn of the running request, if it has one."""
        if self.turn is not None:
            self.turn.release()
            self.turn = None

    def refuse_late(self) -> None:
        """Raise ``VenueRefused`` where its life has ended or its sender does not lead any more."""
        if self.leave_by is not None and wall_now() > self.leave_by:
            raise VenueRefused("The request did not leave before the end of its life.", code="venue_request_expired")
        if self.may_leave is not None and not self.may_leave():
            raise LeaseLost

    def keep(self, status: int, headers: Mapping[str, str], body: str) -> None:
        """Remember an answer; one with status 200 that is no data is remembered as such."""
        self.status, self.headers, self.body = status, headers, body
        if status == HTTPStatus.OK and not self.readable(body):
            self.nonsense = body[:200] or "nothing"


_current: ContextVar[Call | None] = ContextVar("venue_call", default=None)


async def _watch(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Count what leaves. A second request of a call that may send once is refused: redirects and silent repeats too."""
    call = _current.get()
    if call is not None:
        if call.once and call.sends:
            raise aiohttp.ClientConnectionError("The request was not repeated: what is sent is sent once.")
        call.sends += 1
    return await handler(request)


class _LastLook(aiohttp.ClientRequest):
    """The connection is there, nothing is written yet: making it may have taken long, or the process was frozen."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        call = _current.get()
        if call is not None:
            call.refuse_late()
        return await super().send(conn)


class CcxtConnection:
    """Clients for sending and for reading, so that no read delays a send in the library's own throttle.

    ``one_at_a_time``: an exchange that counts requests by a rising nonce gets one request at a time. ``pace_ms``: time
    between requests of cost 1, where it is not the library's. ``quotas_of``: what the exchange allows, shared with all
    processes of the house.
    """

    def __init__(
        self,
        exchange: str,
        *,
        keys: Mapping[str, str],
        urls: Mapping[str, Any],
        one_at_a_time: bool = False,
        pace_ms: int | None = None,
        quotas_of: QuotasOf | None = None,
    ) -> None:
        self.exchange = exchange
        self._quotas_of = quotas_of
        self._rate: VenueTurns | None = None
        self._keys = dict(keys)
        self._urls = urls
        self._one_at_a_time = one_at_a_time
        self._pace_ms = pace_ms
        self._turns: Turns | None = None
        self._opening: asyncio.Lock | None = None
        self._reader: Any = None
        self._sender: Any = None
        self._session: aiohttp.ClientSession | None = None
        self._silent_until = 0.0

    def ask(
        self, question: Callable[[Any], Awaitable[Any]], *, call: Call, seconds: float, sending: bool = False
    ) -> Any:
        """What ``question`` gets from the client; the library's exceptions pass. ``TimeoutError`` after ``seconds``."""
        return wait_for(lambda: self._asked(question, call, sending), seconds=seconds)

    async def client(self) -> Any:
        """The reading client, on the loop, with its markets loaded."""
        return await self._opened()

    async def reload_markets(self) -> Mapping[str, Any]:
        """The exchange's instruments as it states them now."""
        reader = await self._opened()
        await reader.load_markets(True)
        self._share_markets()
        markets: Mapping[str, Any] = reader.markets
        return markets

    def set_clock_difference(self, milliseconds: int) -> None:
        """Our clock minus the exchange's, taken off the time stamps of signed requests."""
        for each in (self._reader, self._sender):
            if each is not None:
                each.options["timeDifference"] = milliseconds

    def end(self) -> None:
        """End the clients; the connection can be opened anew."""
        wait_for(self._close, seconds=10)

    async def _close(self) -> None:
        for each in (self._reader, self._sender):
            if each is not None:
                await each.close()
        if self._session is not None:
            await self._session.close()
        self._reader = self._sender = self._session = None

    async def _asked(self, question: Callable[[Any], Awaitable[Any]], call: Call, sending: bool) -> Any:
        await self._opened()
        await self._wait_out_silence(call)
        client = self._sender if sending else self._reader
        token = _current.set(call)
        try:
            return await question(client)
        finally:
            _current.reset(token)
            call.let_go()
            self._obey(call)

    async def _opened(self) -> Any:
        if self._opening is None:
            self._opening = asyncio.Lock()
        async with self._opening:
            if self._session is None:
                self._session = _session()
            if self._reader is None:
                reader = await self._loaded(self._built())
                self._sender = self._built()
                self._reader = reader
                self._share_markets()
        return self._reader

    async def _loaded(self, client: Any) -> Any:
        done = False
        try:
            await client.load_markets()
            done = True
        finally:
            if not done:
                client.session = None  # shared, and not this client's to close
        return client

    def _built(self) -> Any:
        overlay = _Turns if self._one_at_a_time else _WatchedAnswers
        build = type(f"Watched_{self.exchange}", (overlay, streaming_class(self.exchange)), {})
        pace = {} if self._pace_ms is None else {"rateLimit": self._pace_ms}
        client: Any = build(
            {
                **self._keys,
                **pace,
                "timeout": TIMEOUT_MS,
                "enableRateLimit": True,
                "number": str,
                "options": dict(_SPOT),
                "session": self._session,
                "asyncio_loop": venue_loop(),
            }
        )
        client.number = str
        client.timeout_on_exit = 0  # milliseconds that closing would sleep
        client.urls["api"] = merged(client.urls["api"], self._urls)
        if self._quotas_of is not None:
            client.rate = self._rate = self._rate or VenueTurns(self._quotas_of(client))
        if self._one_at_a_time:
            self._turns = self._turns or Turns()
            client.turns = self._turns
        return client

    def _share_markets(self) -> None:
        self._sender.set_markets(list(self._reader.markets.values()))

    async def _wait_out_silence(self, call: Call) -> None:
        """While the exchange asked for silence: a read fails at once, a send waits if it lives long enough."""
        left = self._silent_until - time.monotonic()
        if left <= 0 or call.offline:
            return
        lives = 0.0 if call.leave_by is None else (call.leave_by - wall_now()).total_seconds()
        if lives > left:
            await asyncio.sleep(left)
            return
        message = f"{self.exchange} asked for silence for {left:.0f} more seconds."
        if call.once:
            raise VenueRefused(f"Nothing was sent: {message}", code="venue_rate_limited")
        raise _errors.RateLimitExceeded(message)

    def _obey(self, call: Call) -> None:
        if call.status in _TOO_MANY:
            told = next((text for name, text in call.headers.items() if name.lower() == "retry-after"), "1")
            seconds = float(told) if told.isdecimal() else 1.0
            self._silent_until = max(self._silent_until, time.monotonic() + min(seconds, LONGEST_SILENCE))


class _WatchedAnswers:
    """Laid over the library's class: each request waits for its turn, each answer is kept with its call."""

    rate: VenueTurns | None = None

    async def fetch2(
        self, path: str, api: Any = "public", method: str = "GET", params: Any = None, config: Any = None
    ) -> Any:
        params, config = params or {}, config or {}
        if self.rate is not None:
            cost = float(self.calculate_rate_limiter_cost(api, method, path, params, config))  # type: ignore[attr-defined]
            call = _current.get()
            urgent, leave_by = (call.urgent, call.leave_by) if call is not None else (False, None)
            await self.rate.wait(path, api, method, cost, urgent=urgent, leave_by=leave_by)
        return await super().fetch2(path, api, method, params, config)  # type: ignore[misc]

    def sign(self, *args: Any, **kwargs: Any) -> Any:
        call = _current.get()
        if call is not None:
            call.refuse_late()
        return super().sign(*args, **kwargs)  # type: ignore[misc]

    def on_rest_response(  # noqa: PLR0917 - the library's hook
        self,
        code: int,
        reason: str,
        url: str,
        method: str,
        headers: Mapping[str, str],
        body: str,
        request_headers: Any,
        request_body: Any,
    ) -> str:
        call = _current.get()
        if call is not None:
            call.keep(code, headers, body)
        if self.rate is not None:
            self.rate.heard(code, headers, body)
        answer: str = super().on_rest_response(  # type: ignore[misc]
            code, reason, url, method, headers, body, request_headers, request_body
        )
        return answer


class _Turns(_WatchedAnswers):
    """For exchanges that count requests by a rising nonce: one request at a time, from the nonce to the answer."""

    turns: "Turns"

    async def throttle(self, cost: Any = None) -> None:
        await super().throttle(cost)  # type: ignore[misc]
        call = _current.get()
        if call is not None:
            await self.turns.lock.acquire()
            call.turn = self.turns.lock

    async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        try:
            return await super().fetch(url, method, headers, body)  # type: ignore[misc]
        finally:
            call = _current.get()
            if call is not None:
                call.let_go()

    def nonce(self) -> int:
        self.turns.last_nonce = max(self.turns.last_nonce + 1, int(super().nonce()))  # type: ignore[misc]
        return self.turns.last_nonce


@dataclass(slots=True)
class Turns:
    """What the clients of one key share. A nonce is never used twice, not even when the clock goes back."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    last_nonce: int = 0


def _session() -> aiohttp.ClientSession:
    context = ssl.create_default_context(cafile=certifi.where())
    connector = aiohttp.TCPConnector(ssl=context, limit=100, enable_cleanup_closed=True)
    return aiohttp.ClientSession(connector=connector, middlewares=(_watch,), request_class=_LastLook)


def merged(known: Any, given: Mapping[str, Any]) -> Any:
    """The library's addresses with the given ones laid over them."""
    if not isinstance(known, dict):
        return dict(given) or known
    return known | {
        name: merged(known.get(name), value) if isinstance(value, dict) else value for name, value in given.items()
    }
