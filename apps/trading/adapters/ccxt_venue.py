"""Spot trading at the exchanges that ccxt speaks to. One create a call, outcomes by proof, numbers as Decimals."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import aiohttp

from apps.foundation.clock import Moment, wall_now
from apps.foundation.errors import HQError, OutcomeUnknown, RetryableFailure
from apps.foundation.money import ZERO, floor_to, plain
from apps.market.domain.instruments import InstrumentRules
from apps.trading.adapters import ccxt_fills
from apps.trading.adapters.ccxt_answers import Nonsense, Reading, balances_of, fill_of, report_of, rules_of
from apps.trading.adapters.ccxt_classes import library_errors
from apps.trading.adapters.ccxt_connection import Call, CcxtConnection
from apps.trading.adapters.ccxt_dialects import Dialect, dialect_of
from apps.trading.adapters.ccxt_errors import meaning_of, short
from apps.trading.adapters.ccxt_stream import CcxtStream
from apps.trading.ports import (
    BadVenueAnswer,
    BadVenueOutcome,
    FillPage,
    VenueBalance,
    VenueFill,
    VenueNews,
    VenueOrder,
    VenueOrderExists,
    VenueRefused,
    VenueReport,
    WithdrawalRight,
)

SEND_SECONDS, READ_SECONDS = 12.0, 30.0  # a call may take, with its wait in the library's throttle
_RULE_CODES = frozenset({"venue_bad_price", "venue_bad_quantity", "venue_min_quantity", "venue_min_notional"})
_ORDERS_PAGE = 500
_MOST_PAGES = 200
# What the library raises while it reads an answer of another shape.
_UNREADABLE = (TypeError, AttributeError, KeyError, IndexError, ValueError, ArithmeticError)
_FAILURES = (library_errors().BaseError, aiohttp.ClientError, OSError, *_UNREADABLE)


class CcxtVenue:
    """Implements ``Venue`` and ``StreamingVenue`` for one account."""

    negative_answers = 3

    def __init__(
        self,
        *,
        account: str,
        exchange: str,
        keys: Mapping[str, str],
        urls: Mapping[str, Any],
        firm_time: Callable[[datetime], datetime] = lambda at: at,
        pace_ms: int | None = None,
    ) -> None:
        """``keys``: the library's names (``apiKey``, ``secret``, ...). ``firm_time``: the firm's clock at a time of
        the exchange, where that is not the same. ``pace_ms``: time between requests, for a local exchange.
        """
        self.account = account
        self.name = exchange
        self.dialect: Dialect = dialect_of(exchange)
        self.capabilities = self.dialect.capabilities
        self.request_life = self.dialect.request_life
        self.visibility_lag = self.dialect.visibility_lag
        self._offset = timedelta(0)
        self._clock_read = False
        self._rules_doubtful = False  # the venue refused what its rules, as they were read, allow
        self._reading = Reading(self.dialect.from_venue, firm_time, self.dialect.fees_told)
        self._connection = CcxtConnection(
            exchange, keys=keys, urls=urls, one_at_a_time=self.dialect.one_at_a_time, pace_ms=pace_ms
        )
        self._stream = CcxtStream(self._connection, self._reading, client_id_name=self.dialect.client_id_in_trades)

    def client_order_id(self, order_hex: str) -> str:
        return self.dialect.to_venue(order_hex)

    def submit(self, *, order: VenueOrder, moment: Moment) -> VenueReport:
        self._refuse_early(order)
        price = None if order.limit_price is None else plain(order.limit_price)
        given = self._given(order)
        kind = "limit" if order.limit_price is not None else "market"

        async def create(client: Any) -> Any:
            return await client.create_order(order.symbol, kind, order.side, plain(order.quantity), price, given)

        answer = self._send(create, leave_by=order.valid_until)
        with _nonsense(BadVenueOutcome):
            return report_of(answer, self._reading, sent=_as_known(order, self.dialect), accepted=moment.firm)

    def find(self, *, client_order_id: str, symbol: str, venue_order_id: str | None = None) -> VenueReport | None:
        answer = self._read(lambda client: self.dialect.look_up(client, client_order_id, symbol, venue_order_id))
        return None if answer is None else self._report(answer)

    def cancel(
        self,
        *,
        client_order_id: str,
        symbol: str,
        venue_order_id: str | None = None,
        moment: Moment,  # noqa: ARG002 - the port's signature
    ) -> VenueReport:
        given = self.dialect.by_client_id(client_order_id)
        try:
            self._send(lambda client: client.cancel_order("", symbol, given))
        except VenueRefused as refusal:
            if refusal.code != "venue_order_unknown":
                raise
            found = self._after_cancel(client_order_id, symbol, venue_order_id)
            if found is None:
                raise
            return found
        found = self._after_cancel(client_order_id, symbol, venue_order_id)
        if found is None:
            raise OutcomeUnknown("The cancellation was taken, but the order is not shown yet.")
        return found

    def amend(self, *, client_order_id: str, order: VenueOrder, moment: Moment) -> VenueReport:
        self._refuse_early(order)
        given = self._given(order)
        answer = self._send(
            lambda client: self.dialect.amended(client, client_order_id, order, given),
            leave_by=order.valid_until,
            once=self.capabilities.amend == "replace",
        )
        with _nonsense(BadVenueOutcome):
            if not answer:
                raise Nonsense("The amended order is not shown.", client_order_id=client_order_id)
            return report_of(answer, self._reading, sent=_as_known(order, self.dialect), accepted=moment.firm)

    def open_orders(self) -> list[VenueReport]:
        answers = self._read(lambda client: client.fetch_open_orders())
        return [self._report(answer) for answer in sorted(answers, key=_placed)]

    def closed_orders(self, *, symbols: Sequence[str], since: datetime) -> list[VenueReport]:
        start = _milliseconds(since - self._offset)
        answers = self._read(lambda client: self._all_orders(client, symbols, start))
        reports = [self._report(answer) for answer in sorted(answers, key=_placed)]
        return [report for report in reports if report.state not in {"OPEN", "PARTIALLY_FILLED"}]

    def fills_since(self, *, watermark: str, symbols: Sequence[str], limit: int) -> FillPage:
        now = _milliseconds(wall_now() - self._offset)
        by_symbol = self.dialect.fills_by_symbol
        marks = ccxt_fills.marks_of(watermark, symbols=symbols, now=now, by_symbol=by_symbol)
        fills: list[VenueFill] = []
        bad: list[Mapping[str, Any]] = []
        for name in ccxt_fills.to_ask(marks, now=now):
            mark = marks[name]
            told = self._read(partial(ccxt_fills.trades_since, name=name, since=mark.since))
            fresh = [trade for trade in told if str(trade.get("id")) not in mark.known]
            taken = fresh[: limit - len(fills)]
            self._take(taken, fills, bad)
            mark.learn(taken)
            if len(taken) < len(fresh):
                mark.forget()
                return FillPage(tuple(fills), ccxt_fills.stored(marks), complete=False, bad=tuple(bad))
            mark.settle(now)
        return FillPage(tuple(fills), ccxt_fills.stored(marks), complete=True, bad=tuple(bad))

    def fills_of(self, *, symbol: str, venue_order_id: str) -> list[VenueFill]:
        trades = self._read(lambda client: self.dialect.trades_of(client, symbol, venue_order_id))
        with _nonsense(BadVenueAnswer):
            return [fill_of(trade, self._reading) for trade in trades]

    def balances(self) -> dict[str, VenueBalance]:
        answer = self._read(lambda client: client.fetch_balance())
        with _nonsense(BadVenueAnswer):
            return balances_of(answer)

    def rules(self, symbols: Sequence[str]) -> dict[str, InstrumentRules]:
        markets = self._read(lambda _: self._connection.reload_markets())
        self._rules_doubtful = False
        with _nonsense(BadVenueAnswer):
            return {symbol: rules_of(symbol, markets[symbol]) for symbol in symbols if symbol in markets}

    def clock_offset(self) -> timedelta:
        """The quickest of a few answers is the least wrong; time stamps of signed requests follow it."""
        best: tuple[timedelta, timedelta] | None = None
        for _ in range(self.dialect.clock_samples):
            before = wall_now()
            theirs = self._read(lambda client: client.fetch_time())
            took = wall_now() - before
            if not isinstance(theirs, int):
                raise BadVenueAnswer(f"{self.name} told no time, but {theirs!r}.", field="time", was=str(theirs))
            offset = before + took / 2 - datetime.fromtimestamp(theirs / 1000, before.tzinfo)
            best = min(best or (took, offset), (took, offset))
        assert best is not None
        self._offset = best[1]
        self._clock_read = True
        self._connection.set_clock_difference(round(self._offset / timedelta(milliseconds=1)))
        return self._offset

    def healthy(self) -> None:
        self.balances()

    def key_rights(self) -> WithdrawalRight:
        try:
            right: WithdrawalRight = self._read(self.dialect.withdrawal_right)
        except RetryableFailure as failure:
            if failure.code == "venue_key_refused":
                raise VenueRefused(failure.message, code=failure.code) from failure
            raise
        return right

    def start_stream(self) -> None:
        self._stream.start()

    def take_news(self) -> VenueNews:
        return self._stream.take()

    def close(self) -> None:
        """End stream and clients; used by tests and at the end of a process."""
        self._stream.stop()
        self._connection.end()

    def _given(self, order: VenueOrder) -> dict[str, Any]:
        """The library's parameters. The clock is measured before the first send, since its time is signed."""
        if not self._clock_read:
            try:
                self.clock_offset()
            except RetryableFailure as failure:
                raise VenueRefused(f"Nothing was sent: {failure.message}", code="venue_away") from failure
        return self.dialect.order_parameters(order) | self.dialect.expiry(order, self._offset, wall_now())

    def _refuse_early(self, order: VenueOrder) -> None:
        if wall_now() > order.valid_until:
            raise VenueRefused("The request came after the end of its life.", code="venue_request_expired")
        for name, was, offered in (
            ("type", order.type, self.capabilities.order_types),
            ("time_in_force", order.time_in_force, self.capabilities.times_in_force | {"GTD"}),
        ):
            if was not in offered:
                message = f"{name} was {was}; {self.name} takes {', '.join(sorted(offered))}."
                raise VenueRefused(message, code=f"venue_{name}_unsupported")
        try:
            if self._rules_doubtful:
                self.rules([])
            market = self._read(lambda client: _market(client, order.symbol), offline=True)
        except RetryableFailure as failure:
            raise VenueRefused(f"Nothing was sent: {failure.message}", code="venue_away") from failure
        if market is None:
            raise VenueRefused(f"{self.name} does not trade {order.symbol}.", code="venue_unknown_instrument")
        _refuse_off_steps(order, Decimal(market["precision"]["amount"]), Decimal(market["precision"]["price"]))

    def _report(self, answer: Mapping[str, Any]) -> VenueReport:
        with _nonsense(BadVenueAnswer):
            placed = datetime.fromtimestamp((answer.get("timestamp") or 0) / 1000, wall_now().tzinfo)
            return report_of(answer, self._reading, accepted=self._reading.firm_time(placed))

    def _after_cancel(self, client_order_id: str, symbol: str, venue_order_id: str | None) -> VenueReport | None:
        try:
            return self.find(client_order_id=client_order_id, symbol=symbol, venue_order_id=venue_order_id)
        except RetryableFailure as failure:
            raise OutcomeUnknown(f"After the cancellation: {failure.message}") from failure

    def _take(self, trades: Sequence[Mapping[str, Any]], fills: list[VenueFill], bad: list[Mapping[str, Any]]) -> None:
        for trade in trades:
            try:
                fills.append(fill_of(trade, self._reading))
            except Nonsense as nonsense:
                bad.append({"problem": str(nonsense), **nonsense.facts})

    async def _all_orders(self, client: Any, symbols: Sequence[str], start: int) -> list[Any]:
        if not self.dialect.fills_by_symbol:
            return await _by_offset(client, start, symbols)
        ask = client.fetch_orders if client.has.get("fetchOrders") else client.fetch_closed_orders
        return [order for symbol in symbols for order in await _by_time(ask, symbol, start)]

    def _read(self, question: Callable[[Any], Awaitable[Any]], *, offline: bool = False) -> Any:
        """Ask; every failure is a ``RetryableFailure`` with the code of its cause."""
        call = Call(readable=self.dialect.readable, offline=offline)
        try:
            answer = self._connection.ask(question, call=call, seconds=READ_SECONDS)
        except TimeoutError as error:
            raise RetryableFailure(f"{self.name} did not answer in time.", code="venue_timeout") from error
        except HQError:
            raise
        except _FAILURES as error:
            if call.nonsense:
                raise self._page(BadVenueAnswer, call) from error
            if isinstance(error, _UNREADABLE):
                raise self._unreadable(BadVenueAnswer, error, call) from error
            meaning = meaning_of(error, exchange=self.name)
            code = "venue_away" if meaning.fate == "unknown" else meaning.code
            raise RetryableFailure(f"{self.name}: {short(error)}", code=code) from error
        if call.nonsense:
            raise self._page(BadVenueAnswer, call)
        return answer

    def _send(
        self, question: Callable[[Any], Awaitable[Any]], *, leave_by: datetime | None = None, once: bool = True
    ) -> Any:
        """Ask for a change, by at most one request. What is not proven refused has an unknown outcome."""
        call = Call(readable=self.dialect.readable, once=once, leave_by=leave_by)
        try:
            answer = self._connection.ask(question, call=call, seconds=SEND_SECONDS, sending=True)
        except TimeoutError as error:
            raise OutcomeUnknown(f"{self.name} did not answer in time.") from error
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
        if meaning.code == "venue_clock_skew":
            self._clock_read = False
        if meaning.code in _RULE_CODES:
            self._rules_doubtful = True
        if meaning.fate == "exists":
            return VenueOrderExists(words)
        if meaning.fate in {"refused", "absent"}:
            return VenueRefused(words, code=meaning.code)
        return OutcomeUnknown(words)

    def _page(self, kind: type[HQError], call: Call) -> HQError:
        return kind(f"{self.name} answered with a page instead of data.", answer=call.nonsense)

    def _unreadable(self, kind: type[HQError], error: Exception, call: Call) -> HQError:
        return kind(f"{self.name} answered what can't be read ({short(error)}).", answer=call.body[:200])


@contextmanager
def _nonsense(kind: type[HQError]) -> Iterator[None]:
    try:
        yield
    except Nonsense as nonsense:
        raise kind(str(nonsense), **nonsense.facts) from nonsense


async def _market(client: Any, symbol: str) -> Any:
    market = client.markets.get(symbol)
    return market if market and market.get("spot") and market.get("active") is not False else None


def _refuse_off_steps(order: VenueOrder, step: Decimal, tick: Decimal) -> None:
    """The library would cut an amount down to its step in silence."""
    if order.quantity <= ZERO or floor_to(order.quantity, step) != order.quantity:
        message = f"Quantity was {plain(order.quantity)}; it must be a positive multiple of {plain(step)}."
        raise VenueRefused(message, code="venue_bad_quantity")
    for price in (order.limit_price, order.stop_price):
        if price is not None and floor_to(price, tick) != price:
            raise VenueRefused(
                f"The price was {plain(price)}; it must be a multiple of {plain(tick)}.", code="venue_bad_price"
            )


def _as_known(order: VenueOrder, dialect: Dialect) -> dict[str, Any] | None:
    """What a thin answer to a create leaves out, such as one that gives the new id only."""
    if dialect.answers_creates_fully:
        return None
    return {
        "clientOrderId": dialect.to_venue(order.client_order_id),
        "symbol": order.symbol,
        "side": order.side,
        "type": order.type,
        "amount": plain(order.quantity),
        "price": None if order.limit_price is None else plain(order.limit_price),
        "status": "open",
    }


def _placed(order: Mapping[str, Any]) -> int:
    stamp = order.get("timestamp")
    return stamp if isinstance(stamp, int) else 0


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


async def _by_time(ask: Callable[..., Awaitable[Any]], symbol: str, start: int) -> list[Any]:
    """Orders placed since, page by page."""
    found: dict[str, Any] = {}
    for _ in range(_MOST_PAGES):
        page = await ask(symbol, start, _ORDERS_PAGE)
        found |= {str(order.get("id")): order for order in page}
        if len(page) < _ORDERS_PAGE:
            break
        newest = max(_placed(order) for order in page)
        start = newest if newest > start else start + 1
    return list(found.values())


async def _by_offset(client: Any, start: int, symbols: Sequence[str]) -> list[Any]:
    found: dict[str, Any] = {}
    offset = 0
    for _ in range(_MOST_PAGES):
        page = await client.fetch_closed_orders(None, start, None, {"ofs": offset})
        if not page:
            break
        found |= {str(order.get("id")): order for order in page}
        offset += len(page)
    return [order for order in found.values() if order.get("symbol") in symbols]
