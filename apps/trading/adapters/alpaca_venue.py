"""US stocks at Alpaca, on its practice endpoint or live, through alpaca-py. One HTTP create per order.

What this broker does differently, stated for the guide: whole shares or fractions down to nine decimals; a fraction
trades in market orders or rests for the day, never longer; market orders are day orders, those sent while the
exchange is closed wait for the next opening; no extended hours; a sale only ever closes what is held; no commission,
regulatory fees are postings of their own (``charges_since``); money from sales counts as free once it is settled.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Lock
from typing import Any, TypeVar

from apps.foundation.clock import Moment, wall_now
from apps.foundation.errors import HQError, RetryableFailure
from apps.foundation.money import ZERO, floor_to, plain
from apps.market.domain.instruments import InstrumentRules
from apps.trading.adapters import alpaca_errors as errors
from apps.trading.adapters.alpaca_reports import (
    CURRENCY,
    broker_symbol,
    fill_of,
    house_symbol,
    number,
    report_of,
    time_of,
)
from apps.trading.adapters.broker_turns import BrokerTurns
from apps.trading.adapters.urgent_calls import reducing_risk
from apps.trading.domain.books.venue_charge import VenueCharge
from apps.trading.ports import (
    BadVenueAnswer,
    BadVenueOutcome,
    FillPage,
    VenueBalance,
    VenueCapabilities,
    VenueFill,
    VenueOrder,
    VenueRefused,
    VenueReport,
    WithdrawalRight,
)

NAME = "alpaca"
PAGE = 100  # activities a request; the broker's largest
ORDERS_PAGE = 500
OVERLAP = timedelta(minutes=10)  # trades are asked for again this far back: one may be listed late
_FIRST = datetime(2015, 1, 1, tzinfo=UTC)
_CENT, _FINE_TICK, _FRACTION, _WHOLE = Decimal("0.01"), Decimal("0.0001"), Decimal("0.000000001"), Decimal(1)
_LEAST_NOTIONAL = Decimal(1)
_TYPES = {"market": "market", "limit": "limit", "stop": "stop", "stop_limit": "stop_limit"}
_TIMES_IN_FORCE = {"GTC": "gtc", "GTD": "gtc", "DAY": "day", "IOC": "ioc", "FOK": "fok"}
_BLOCKS = ("trading_blocked", "account_blocked", "trade_suspended_by_user")
_CHARGES = ("FEE", "PTC", "DIV", "DIVCGL", "DIVCGS", "DIVFEE", "DIVNRA", "DIVROC", "INT", "INTNRA")
_NONSENSE = (ValueError, TypeError, KeyError, AttributeError)
Found = TypeVar("Found")


class AlpacaVenue:
    """Implements ``Venue`` for one account. ``address`` replaces the broker's endpoint; ``turns``: the rate that
    all processes of the house share.
    """

    name = NAME
    capabilities = VenueCapabilities(
        order_types=frozenset({"market", "limit"}),
        times_in_force=frozenset({"GTC", "DAY", "IOC", "FOK"}),
        post_only=False,
        amend="",
        request_expiry=False,
        native_stops=False,
        oco=False,
    )
    request_life = timedelta(seconds=60)
    visibility_lag = timedelta(seconds=10)
    negative_answers = 3

    def __init__(
        self, *, account: str, key: str, secret: str, paper: bool, address: str = "", turns: BrokerTurns | None = None
    ) -> None:
        self.account = account
        self._turns = turns
        self._paper = paper
        self._settings = {"key": key, "secret": secret, "paper": paper, "address": address}
        self._client: Any = None
        self._building = Lock()
        self._rules: dict[str, InstrumentRules] = {}

    def client_order_id(self, order_hex: str) -> str:
        return order_hex

    def submit(self, *, order: VenueOrder, moment: Moment) -> VenueReport:  # noqa: ARG002 - the port's signature
        wish = self._wish(order)
        if wall_now() > order.valid_until:
            raise VenueRefused("The request came after the end of its life.", code="venue_request_expired")

        def post(client: Any) -> Any:
            order.refuse_unless_it_may_leave()
            return client.post("/orders", wish)

        with reducing_risk(order.side == "sell"):
            answer = self._sent(post)
        report = _understood(report_of, answer)
        if report.client_order_id != order.client_order_id:
            raise BadVenueOutcome(
                f"Alpaca answered the order {order.client_order_id} with {report.client_order_id}.", answer=str(answer)
            )
        return report

    def find(self, *, client_order_id: str, symbol: str, venue_order_id: str | None = None) -> VenueReport | None:  # noqa: ARG002
        if client_order_id:
            answer = self._looked_up("/orders:by_client_order_id", {"client_order_id": client_order_id})
        elif venue_order_id:
            answer = self._looked_up(f"/orders/{venue_order_id}", {})
        else:
            raise ValueError("An order is looked up by its client order id or by the venue's id.")
        return None if answer is None else _read(report_of, answer)

    @reducing_risk()
    def cancel(
        self,
        *,
        client_order_id: str,
        symbol: str,
        venue_order_id: str | None = None,
        moment: Moment,  # noqa: ARG002 - the port's signature
    ) -> VenueReport:
        before = self.find(client_order_id=client_order_id, symbol=symbol, venue_order_id=venue_order_id)
        if before is None:
            raise VenueRefused(f"Alpaca has no order {client_order_id}.", code="venue_order_unknown")
        if before.state not in {"OPEN", "PARTIALLY_FILLED"}:
            return before
        with suppress(VenueRefused):  # it ended meanwhile: what it is now says so
            self._sent(lambda client: client.delete(f"/orders/{before.venue_order_id}"))
        after = self.find(client_order_id=client_order_id, symbol=symbol, venue_order_id=before.venue_order_id)
        return after or before

    def amend(self, *, client_order_id: str, order: VenueOrder, moment: Moment) -> VenueReport:  # noqa: ARG002
        """Refused: a change at Alpaca may meet a fill half way; cancel and send anew instead."""
        raise VenueRefused(f"The order {client_order_id} can't be changed at Alpaca.", code="venue_cannot_amend")

    def open_orders(self) -> list[VenueReport]:
        return self._orders({"status": "open"}, _FIRST)

    def closed_orders(self, *, symbols: Sequence[str], since: datetime) -> list[VenueReport]:
        if not symbols:
            return []
        listed = ",".join(broker_symbol(symbol) for symbol in symbols)
        return self._orders({"status": "closed", "symbols": listed}, since - timedelta(milliseconds=1))

    def fills_since(self, *, watermark: str, symbols: Sequence[str], limit: int) -> FillPage:  # noqa: ARG002
        """``watermark``: JSON of the newest trade's time and the ids seen at the end, which are not told again."""
        told: dict[str, Any] = json.loads(watermark) if watermark else {"at": _FIRST.isoformat(), "ids": []}
        newest, known = datetime.fromisoformat(told["at"]), set(told["ids"])
        fills: list[VenueFill] = []
        recent: list[tuple[datetime, str]] = []
        for activity in self._activities(("FILL",), newest - OVERLAP):
            fill = _read(fill_of, activity)
            recent.append((fill.executed_firm, fill.venue_trade_id))
            if fill.venue_trade_id not in known:
                if len(fills) == limit:
                    return FillPage(tuple(fills), _watermark(newest, recent[:-1]), complete=False)
                fills.append(fill)
                newest = max(newest, fill.executed_firm)
        return FillPage(tuple(fills), _watermark(newest, recent), complete=True)

    def fills_of(self, *, symbol: str, venue_order_id: str) -> list[VenueFill]:
        order = self.find(client_order_id="", symbol=symbol, venue_order_id=venue_order_id)
        if order is None:
            return []
        told = [_read(fill_of, activity) for activity in self._activities("FILL", order.accepted_firm - OVERLAP)]
        return [fill for fill in told if fill.venue_order_id == venue_order_id]

    def charges_since(self, *, since: datetime) -> list[VenueCharge]:
        """Fees, dividends and interest that the broker booked since, oldest first; below zero: money that came in."""
        return [_read(_charge, activity) for activity in self._activities(_CHARGES, since)]

    def balances(self) -> dict[str, VenueBalance]:
        account = self._account()
        held = self._asked(lambda client: client.get("/positions"))
        return _read(lambda answer: _balances(account, answer), held)

    def rules(self, symbols: Sequence[str]) -> dict[str, InstrumentRules]:
        found = {}
        for symbol in symbols:
            answer = self._looked_up(f"/assets/{broker_symbol(symbol)}", {})
            if answer is not None and answer.get("tradable") is True and answer.get("status") == "active":
                found[symbol] = _read(_rules, answer)
        self._rules.update(found)
        return found

    def clock_offset(self) -> timedelta:
        before = wall_now()
        answer = self._asked(lambda client: client.get("/clock"))
        after = wall_now()
        return before + (after - before) / 2 - _read(lambda clock: time_of(clock["timestamp"]), answer)

    def healthy(self) -> None:
        account = self._account()
        state = [name for name in _BLOCKS if account.get(name)]
        if account.get("status") != "ACTIVE":
            state.append(f"status {account.get('status')}")
        if state:
            raise RetryableFailure(f"Alpaca lets this account not trade: {', '.join(state)}.", code="venue_blocked")

    def key_rights(self) -> WithdrawalRight:
        """A trading key moves no dollars; coins only where the account may hold them."""
        try:
            account = self._account()
        except RetryableFailure as error:
            if error.code == "venue_key_refused":
                raise VenueRefused(error.message, code="venue_key_refused") from error
            raise
        if self._paper or account.get("transfers_blocked") is True:
            return "no"
        return "unknown" if account.get("crypto_status") == "ACTIVE" else "no"

    def _wish(self, order: VenueOrder) -> dict[str, Any]:
        """The request's body; ``VenueRefused`` for what this broker can't do."""
        rules = self._rules.get(order.symbol) or self._fresh_rules(order.symbol)
        _refuse_off_the_rules(order, rules)
        fraction = floor_to(order.quantity, _WHOLE) != order.quantity
        wish = {
            "symbol": broker_symbol(order.symbol),
            "qty": plain(order.quantity),
            "side": order.side,
            "type": _TYPES[order.type],
            "time_in_force": _time_in_force(order, fraction=fraction),
            "extended_hours": False,
            "client_order_id": order.client_order_id,
            "position_intent": "buy_to_open" if order.side == "buy" else "sell_to_close",
        }
        prices = {"limit_price": order.limit_price, "stop_price": order.stop_price}
        return wish | {name: plain(price) for name, price in prices.items() if price is not None}

    def _fresh_rules(self, symbol: str) -> InstrumentRules:
        """Read before anything is sent, so that a failure here proves that nothing was."""
        try:
            found = self.rules([symbol])
        except RetryableFailure as error:
            raise VenueRefused(f"Not sent: {error.message}", code="venue_not_reached") from error
        if symbol not in found:
            raise VenueRefused(f"Alpaca does not trade {symbol}.", code="venue_unknown_instrument")
        return found[symbol]

    def _orders(self, wanted: Mapping[str, str], since: datetime) -> list[VenueReport]:
        found: dict[str, VenueReport] = {}
        after = since
        while True:
            query = {**wanted, "limit": str(ORDERS_PAGE), "direction": "asc", "nested": "false", "after": _iso(after)}
            page = [_read(report_of, each) for each in self._page("/orders", query)]
            new = [report for report in page if report.venue_order_id not in found]
            found |= {report.venue_order_id: report for report in new}
            if len(page) < ORDERS_PAGE or not new:
                return list(found.values())
            after = max(report.accepted_firm for report in page) - timedelta(milliseconds=1)

    def _activities(self, kinds: Sequence[str], after: datetime) -> Iterator[Mapping[str, Any]]:
        """The activities of these kinds after ``after``, oldest first, fetched as they are wanted."""
        query = {
            "activity_types": ",".join(kinds),
            "direction": "asc",
            "page_size": str(PAGE),
            "after": _iso(after),
        }
        while True:
            page = self._page("/account/activities", query)
            yield from page
            if len(page) < PAGE:
                return
            query = {**query, "page_token": str(page[-1].get("id"))}

    def _page(self, path: str, query: Mapping[str, str]) -> list[Mapping[str, Any]]:
        return _listed(self._asked(lambda client: client.get(path, dict(query))))

    def _account(self) -> Mapping[str, Any]:
        answer = self._asked(lambda client: client.get("/account"))
        if not isinstance(answer, dict):
            raise BadVenueAnswer("Alpaca answered no account.", answer=str(answer)[:200])
        return answer

    def _connected(self) -> Any:
        with self._building:
            if self._client is None:
                from apps.trading.adapters.alpaca_client import OneTryClient

                self._client = OneTryClient(**self._settings)  # type: ignore[arg-type]  # the four of the constructor
            return self._client

    def _sent(self, request: Callable[[Any], Found]) -> Found:
        from alpaca.common.exceptions import APIError
        from requests import RequestException

        client = self._connected()
        if self._turns is not None:
            try:
                self._turns.wait()
            except RetryableFailure as late:
                raise VenueRefused(f"Nothing was sent: {late.message}", code=late.code) from late
        try:
            return request(client)
        except APIError as error:
            self._heard(error)
            raise errors.of_send(error) from error
        except _NONSENSE as error:  # the library's error for a page instead of JSON is one of these too
            raise BadVenueOutcome(f"Alpaca answered a request with nonsense: {error}.") from error
        except RequestException as error:
            raise errors.of_send(error) from error

    def _asked(self, question: Callable[[Any], Any]) -> Any:
        from alpaca.common.exceptions import APIError
        from requests import RequestException

        client = self._connected()
        if self._turns is not None:
            self._turns.wait()
        try:
            return question(client)
        except APIError as error:
            self._heard(error)
            raise errors.of_read(error) from error
        except _NONSENSE as error:
            raise BadVenueAnswer(f"Alpaca answered with nonsense: {error}.") from error
        except RequestException as error:
            raise errors.of_read(error) from error

    def _heard(self, error: Any) -> None:
        if self._turns is not None:
            self._turns.heard(error)

    def _looked_up(self, path: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        """One thing, or None where the broker itself says that there is none."""
        try:
            answer = self._asked(lambda client: client.get(path, dict(query)))
        except RetryableFailure as error:
            if error.__cause__ is not None and errors.not_known(error.__cause__):  # type: ignore[arg-type]
                return None
            raise
        if not isinstance(answer, dict):
            raise BadVenueAnswer(f"Alpaca answered {path} with no object.", answer=str(answer)[:200])
        return answer


def _refuse_off_the_rules(order: VenueOrder, rules: InstrumentRules) -> None:
    if order.type not in _TYPES:
        raise VenueRefused(f"Alpaca is not sent {order.type} orders.", code="venue_unknown_type")
    if order.post_only:
        raise VenueRefused("Alpaca knows no post-only orders.", code="venue_no_post_only")
    if order.quantity <= 0 or floor_to(order.quantity, rules.step_size) != order.quantity:
        raise VenueRefused(
            f"Quantity was {plain(order.quantity)}; it must be a positive multiple of {plain(rules.step_size)}.",
            code="venue_bad_quantity",
        )
    for price in (order.limit_price, order.stop_price):
        tick = _CENT if price is None or price >= 1 else _FINE_TICK
        if price is not None and (price <= 0 or floor_to(price, tick) != price):
            raise VenueRefused(
                f"The price was {plain(price)}; it must be a multiple of {plain(tick)}.", code="venue_bad_price"
            )
    if order.limit_price is not None and order.limit_price * order.quantity < rules.min_notional:
        raise VenueRefused(
            f"The order is worth {plain(order.limit_price * order.quantity)} {CURRENCY}; the least is "
            f"{plain(rules.min_notional)}.",
            code="venue_min_notional",
        )


def _time_in_force(order: VenueOrder, *, fraction: bool) -> str:
    wanted = _TIMES_IN_FORCE.get(order.time_in_force)
    if wanted is None:
        raise VenueRefused(f"Alpaca knows no time in force {order.time_in_force}.", code="venue_bad_time_in_force")
    if order.type == "market" and wanted == "gtc":
        return "day"
    if fraction and wanted != "day":
        raise VenueRefused(
            f"A fraction of a share ({plain(order.quantity)}) trades for the day only at Alpaca. "
            "Send whole shares, DAY, or a market order.",
            code="venue_fraction_is_for_the_day",
        )
    return wanted


def _rules(asset: Mapping[str, Any]) -> InstrumentRules:
    """Alpaca states no ticks for stocks: a cent (a hundredth of one below a dollar) is the exchanges' rule."""
    symbol = house_symbol(str(asset["symbol"]))
    step = _FRACTION if asset.get("fractionable") is True else _WHOLE
    base, _, quote = symbol.partition("/")
    return InstrumentRules(symbol, base, quote, _CENT, step, step, _LEAST_NOTIONAL)


def _balances(account: Mapping[str, Any], positions: Any) -> dict[str, VenueBalance]:
    cash, unbound = number(account, "cash"), number(account, "non_marginable_buying_power")
    free = min(cash, max(unbound, ZERO))
    found = {str(account.get("currency") or CURRENCY): VenueBalance(free=free, used=cash - free)}
    for each in _listed(positions):
        held, free_shares = number(each, "qty"), number(each, "qty_available")
        asset = broker_symbol(house_symbol(str(each["symbol"])))
        found[asset] = VenueBalance(free=free_shares, used=held - free_shares)
    return found


def _charge(activity: Mapping[str, Any]) -> VenueCharge:
    at = activity.get("date") or activity.get("created_at")
    return VenueCharge(
        charge_id=str(activity["id"]),
        amount=-number(activity, "net_amount"),
        asset=CURRENCY,
        description=str(activity.get("description") or ""),
        at=datetime.fromisoformat(str(at)).replace(tzinfo=UTC),
    )


def _watermark(newest: datetime, recent: Sequence[tuple[datetime, str]]) -> str:
    ids = [trade_id for at, trade_id in recent if at >= newest - OVERLAP]
    return json.dumps({"at": newest.isoformat(), "ids": ids})


def _listed(answer: Any) -> list[Mapping[str, Any]]:
    if not isinstance(answer, list):
        raise BadVenueAnswer("Alpaca answered with no list.", answer=str(answer)[:200])
    return answer


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read(parse: Callable[[Any], Found], answer: Any) -> Found:
    return _parsed(parse, answer, BadVenueAnswer)


def _understood(parse: Callable[[Any], Found], answer: Any) -> Found:
    return _parsed(parse, answer, BadVenueOutcome)


def _parsed(parse: Callable[[Any], Found], answer: Any, failure: type[HQError]) -> Found:
    try:
        return parse(answer)
    except _NONSENSE as error:
        raise failure(f"Alpaca answered with nonsense: {error}.", answer=str(answer)[:400]) from error
