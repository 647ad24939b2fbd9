"""Spot trading at the exchanges that ccxt speaks to. One create a call, outcomes by proof, numbers as Decimals."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.foundation.clock import Moment, wall_now
from apps.foundation.errors import HQError, OutcomeUnknown, RetryableFailure
from apps.foundation.money import ZERO, floor_to, plain
from apps.market.domain.instruments import InstrumentRules
from apps.trading.adapters import ccxt_fills
from apps.trading.adapters.ccxt_answers import Nonsense, Reading, balances_of, fill_of, report_of, rules_of
from apps.trading.adapters.ccxt_connection import CcxtConnection
from apps.trading.adapters.ccxt_dialects import Dialect, dialect_of
from apps.trading.adapters.ccxt_pages import Pages, time_ms
from apps.trading.adapters.ccxt_questions import CcxtQuestions
from apps.trading.adapters.ccxt_stream import CcxtStream
from apps.trading.adapters.ccxt_transfers import transfers_of, transfers_told
from apps.trading.adapters.ccxt_turns import QuotasOf
from apps.trading.adapters.urgent_calls import reducing_risk
from apps.trading.domain.venues.venue_transfer import VenueTransfer
from apps.trading.ports import (
    BadVenueAnswer,
    BadVenueOutcome,
    FillPage,
    VenueBalance,
    VenueFill,
    VenueNews,
    VenueOrder,
    VenueRefused,
    VenueReport,
    WithdrawalRight,
)

RULES_HOLD = timedelta(seconds=30)  # by older ones nothing is refused before they are read again
_RULE_CODES = frozenset({"venue_bad_price", "venue_bad_quantity", "venue_min_quantity", "venue_min_notional"})


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
        quotas_of: QuotasOf | None = None,
    ) -> None:
        """``keys``: the library's names (``apiKey``, ``secret``, ...). ``firm_time``: the firm's clock at a time of
        the exchange, where that is not the same. ``pace_ms``: time between requests, for a local exchange.
        ``quotas_of``: what the exchange allows, shared by all processes of the house.
        """
        self.account = account
        self.name = exchange
        self.dialect: Dialect = dialect_of(exchange)
        self.capabilities = self.dialect.capabilities
        self.request_life = self.dialect.request_life
        self.visibility_lag = self.dialect.visibility_lag
        self._offset = timedelta(0)
        self._clock_read = False
        self._rules_read: datetime | None = wall_now()  # None: it refused what they allow, so they are read again
        self._reading = Reading(self.dialect.from_venue, firm_time, self.dialect.fees_told, self.dialect.closed_in_part)
        self._connection = CcxtConnection(
            exchange,
            keys=keys,
            urls=urls,
            one_at_a_time=self.dialect.one_at_a_time,
            pace_ms=pace_ms,
            quotas_of=quotas_of,
        )
        questions = CcxtQuestions(self._connection, readable=self.dialect.readable, refused=self._doubt)
        self._read, self._send = questions.read, questions.send
        self._pages = Pages(self._read, self.dialect.rows, self.dialect.newest_first)
        # Where the exchange's own addresses are replaced, nothing goes to one of them that was not.
        self._streams = not urls or "ws" in urls
        self._tells_rights = not urls or all(name in urls for name in self.dialect.rights_at)
        self._stream = CcxtStream(self._connection, self._reading, self.dialect)

    def client_order_id(self, order_hex: str) -> str:
        return self.dialect.to_venue(order_hex)

    def submit(self, *, order: VenueOrder, moment: Moment) -> VenueReport:
        self._refuse_early(order)
        price = None if order.limit_price is None else plain(order.limit_price)
        given = self._given(order)
        kind = "limit" if order.limit_price is not None else "market"

        async def create(client: Any) -> Any:
            return await client.create_order(order.symbol, kind, order.side, plain(order.quantity), price, given)

        try:
            with reducing_risk(order.side == "sell"):
                answer = self._send(create, leave_by=order.valid_until, may_leave=order.may_leave)
        except VenueRefused as refusal:
            if refusal.code != "venue_order_unknown":
                raise
            # No such order, it says to a create: whatever that is an answer to, it proves nothing.
            raise OutcomeUnknown(refusal.message) from refusal
        with _nonsense(BadVenueOutcome):
            sent = _as_known(order, self.dialect, answer)
            report = report_of(answer, self._reading, sent=sent, accepted=moment.firm)
            _check_same(answer, symbol=(order.symbol, report.symbol), side=(order.side, report.side))
        return self._shown(order) or report if sent is not None and self.dialect.answers_creates_fully else report

    def _shown(self, order: VenueOrder) -> VenueReport | None:
        """The whole order after a bare acknowledgement; None where it can't be had now, and polls will bring it."""
        try:
            return self.find(client_order_id=order.client_order_id, symbol=order.symbol)
        except RetryableFailure:
            return None

    def find(self, *, client_order_id: str, symbol: str, venue_order_id: str | None = None) -> VenueReport | None:
        answer = self._read(lambda client: self.dialect.look_up(client, client_order_id, symbol, venue_order_id))
        if answer is None:
            return None
        report = self._report(answer)
        with _nonsense(BadVenueAnswer):
            _check_same(answer, symbol=(symbol, report.symbol))
            if client_order_id and report.client_order_id:
                _check_same(answer, clientOrderId=(self._reading.ours(client_order_id), report.client_order_id))
            elif venue_order_id:
                _check_same(answer, id=(venue_order_id, report.venue_order_id))
        return report

    @reducing_risk()
    def cancel(
        self,
        *,
        client_order_id: str,
        symbol: str,
        venue_order_id: str | None = None,
        moment: Moment,  # noqa: ARG002 - the port's signature
    ) -> VenueReport:
        name, given = self.dialect.named(client_order_id, venue_order_id)
        try:
            self._send(lambda client: client.cancel_order(name, symbol, given))
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
        once = self.capabilities.amend == "replace"
        with reducing_risk(order.side == "sell"):
            answer = self._send(
                lambda client: self.dialect.amended(client, client_order_id, order, given),
                leave_by=order.valid_until,
                may_leave=order.may_leave,
                once=once,
            )
        with _nonsense(BadVenueOutcome):
            if not answer:
                raise Nonsense("The amended order is not shown.", client_order_id=client_order_id)
            return report_of(answer, self._reading, sent=_as_known(order, self.dialect, answer), accepted=moment.firm)

    def open_orders(self) -> list[VenueReport]:
        answers = self._read(lambda client: client.fetch_open_orders())
        return [self._report(answer) for answer in sorted(answers, key=time_ms)]

    def closed_orders(self, *, symbols: Sequence[str], since: datetime) -> list[VenueReport]:
        start = _milliseconds(since - self._offset)
        answers = self.dialect.orders_since(self._pages, self._listed(symbols), start)
        reports = [self._report(answer) for answer in sorted(answers, key=time_ms)]
        return [report for report in reports if report.state not in {"OPEN", "PARTIALLY_FILLED"}]

    def fills_since(self, *, watermark: str, symbols: Sequence[str], limit: int) -> FillPage:
        now = _milliseconds(wall_now() - self._offset)
        by_symbol = self.dialect.fills_by_symbol
        listed = self._listed(symbols)
        marks = ccxt_fills.marks_of(watermark, symbols=listed, now=now, by_symbol=by_symbol)
        fills: list[VenueFill] = []
        bad: list[Mapping[str, Any]] = []
        for name in ccxt_fills.to_ask(marks, now=now):
            mark = marks[name]
            told = ccxt_fills.trades_since(self._pages, name, mark.since)
            for trade in told:
                if str(trade.get("id")) in mark.known:
                    continue
                if len(fills) >= limit:
                    mark.forget()
                    return FillPage(tuple(fills), ccxt_fills.stored(marks), complete=False, bad=tuple(bad))
                self._take(trade, mark, now, fills, bad)
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

    def transfers_since(self, *, asset: str, since: datetime) -> list[VenueTransfer]:
        start = _milliseconds(since - self._offset)
        deposits, withdrawals = self._read(lambda client: transfers_told(client, asset, start))
        with _nonsense(BadVenueAnswer):
            return transfers_of(deposits, withdrawals, asset)

    def rules(self, symbols: Sequence[str]) -> dict[str, InstrumentRules]:
        markets = self._read(lambda _: self._connection.reload_markets())
        self._rules_read = wall_now()
        with _nonsense(BadVenueAnswer):
            return {symbol: rules_of(symbol, markets[symbol]) for symbol in symbols if symbol in markets}

    def clock_offset(self) -> timedelta:
        """The quickest of a few answers is the least wrong; time stamps of signed requests follow it."""
        best: tuple[timedelta, timedelta] | None = None
        for _ in range(self.dialect.clock_samples):
            before = wall_now()
            theirs = self._read(_time_there)
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
        if not self._tells_rights:
            return "unknown"
        try:
            right: WithdrawalRight = self._read(self.dialect.withdrawal_right)
        except RetryableFailure as failure:
            if failure.code == "venue_has_no_such_door":
                return "unknown"
            if failure.code == "venue_key_refused":
                raise VenueRefused(failure.message, code=failure.code) from failure
            raise
        return right

    def start_stream(self) -> None:
        if self._streams:
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
            with _before_sending():
                self.clock_offset()
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
        if self._rules_read is None:
            self._read_rules()
        try:
            self._refuse_off_steps(order)
        except VenueRefused:
            if self._rules_read and wall_now() - self._rules_read < RULES_HOLD:
                raise
            self._read_rules()  # the exchange may have loosened them since
            self._refuse_off_steps(order)

    def _read_rules(self) -> None:
        with _before_sending():
            self.rules([])

    def _refuse_off_steps(self, order: VenueOrder) -> None:
        with _before_sending():
            market = self._read(lambda client: _market(client, order.symbol), offline=True)
        _refuse_off_steps(order, *_steps_in(market, order.symbol, self.name))

    def _doubt(self, code: str) -> None:
        """What a refusal says about our own measures."""
        self._clock_read = self._clock_read and code != "venue_clock_skew"
        self._rules_read = None if code in _RULE_CODES else self._rules_read

    def _listed(self, symbols: Sequence[str]) -> list[str]:
        """Those that are traded here: the house may watch more than one exchange has."""
        known: Mapping[str, Any] = self._read(_markets, offline=True)
        return [symbol for symbol in symbols if symbol in known]

    def _report(self, answer: Mapping[str, Any]) -> VenueReport:
        with _nonsense(BadVenueAnswer):
            placed = datetime.fromtimestamp((answer.get("timestamp") or 0) / 1000, wall_now().tzinfo)
            return report_of(answer, self._reading, accepted=self._reading.firm_time(placed))

    def _after_cancel(self, client_order_id: str, symbol: str, venue_order_id: str | None) -> VenueReport | None:
        try:
            return self.find(client_order_id=client_order_id, symbol=symbol, venue_order_id=venue_order_id)
        except RetryableFailure as failure:
            raise OutcomeUnknown(f"After the cancellation: {failure.message}") from failure

    def _take(
        self,
        trade: Mapping[str, Any],
        mark: ccxt_fills.SymbolMark,
        now: int,
        fills: list[VenueFill],
        bad: list[Mapping[str, Any]],
    ) -> None:
        try:
            fills.append(fill_of(trade, self._reading))
        except Nonsense as nonsense:
            if mark.doubt(trade):
                bad.append({"problem": str(nonsense), **nonsense.facts})
        else:
            mark.learn(trade, now=now)


@contextmanager
def _nonsense(kind: type[HQError]) -> Iterator[None]:
    try:
        yield
    except Nonsense as nonsense:
        raise kind(str(nonsense), **nonsense.facts) from nonsense


def _is_bare(answer: Mapping[str, Any], ours: str) -> bool:
    """Whether it only acknowledges the order by our id: nothing of it is said that could be wrong."""
    told = answer.get("info")
    silent = isinstance(told, Mapping) and not {"status", "origQty", "executedQty", "side"} & told.keys()
    return silent and answer.get("clientOrderId") == ours


async def _time_there(client: Any) -> Any:
    """The exchange's time; where it tells none its clock can't be measured, and ours stands for it."""
    return await client.fetch_time() if client.has.get("fetchTime") else client.milliseconds()


def _check_same(answer: Any, **pairs: tuple[str, str]) -> None:
    """An answer about another order than was asked for proves nothing of this one."""
    for name, (asked, told) in pairs.items():
        if asked != told:
            raise Nonsense(
                f"{name} was {told}, asked for was {asked}.", field=name, was=told, answer=answer.get("info")
            )


async def _markets(client: Any) -> Any:
    return client.markets


async def _market(client: Any, symbol: str) -> Any:
    market = client.markets.get(symbol)
    return market if market and market.get("spot") and market.get("active") is not False else None


@contextmanager
def _before_sending() -> Iterator[None]:
    """What can't be read for an order refuses it."""
    try:
        yield
    except RetryableFailure as failure:
        raise VenueRefused(f"Nothing was sent: {failure.message}", code="venue_away") from failure


def _steps_in(market: Mapping[str, Any] | None, symbol: str, name: str) -> tuple[Decimal, Decimal]:
    if market is None:
        raise VenueRefused(f"{name} does not trade {symbol}.", code="venue_unknown_instrument")
    step, tick = market["precision"]["amount"], market["precision"]["price"]
    if step is None or tick is None:
        message = f"{name} states no step or tick for {symbol}; an order can't be made to fit."
        raise VenueRefused(message, code="venue_unknown_instrument")
    return Decimal(step), Decimal(tick)


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


def _as_known(order: VenueOrder, dialect: Dialect, answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a thin answer to a create leaves out, such as one that gives the new id only."""
    if dialect.answers_creates_fully and not _is_bare(answer, dialect.to_venue(order.client_order_id)):
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


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
