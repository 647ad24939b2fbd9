"""What differs between exchanges behind one library: ids, expiry of requests, look-ups, what is native."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import orjson

from apps.foundation.errors import RetryableFailure
from apps.foundation.money import plain
from apps.trading.adapters.ccxt_classes import library_errors
from apps.trading.adapters.ccxt_pages import Pages, Row
from apps.trading.ports import VenueCapabilities, VenueOrder, VenueRefused, WithdrawalRight

Question = Callable[[Any], Awaitable[Any]]
_HEX = frozenset("0123456789abcdef")
_UUID_DIGITS = 32
_WITHOUT_EXPIRY = timedelta(seconds=30)  # the longest a request may be under way where the exchange refuses none
_LONGEST_WINDOW_MS = 60_000
_ALL_ORDERS = (
    ("fetchOrders", "fetch_orders"),
    ("fetchCanceledAndClosedOrders", "fetch_canceled_and_closed_orders"),
)
_errors = library_errors()


@dataclass(frozen=True, slots=True)
class Dialect:
    """An exchange that nothing special is known of: found by its own ids, no expiry, cancel and send anew.

    ``rows`` a page of its lists, None: as many as it gives; ``newest_first``: where a page may lack older rows.
    ``closed_in_part``: it calls an order closed that ended before it was filled.
    """

    exchange: str
    capabilities: VenueCapabilities = field(default_factory=lambda: VenueCapabilities(request_expiry=False))
    request_life: timedelta = _WITHOUT_EXPIRY
    visibility_lag: timedelta = timedelta(seconds=10)
    one_at_a_time: bool = False
    fees_told: bool = False
    answers_creates_fully: bool = False  # with the order's state, so that a missing one is nonsense
    clock_samples: int = 3
    client_id_in_trades: str = ""  # where the exchange's own words for a streamed trade carry our order id
    fills_by_symbol: bool = True  # the list of own trades is asked for one instrument at a time
    rights_at: tuple[str, ...] = ()  # names of the addresses where it tells what a key may do, besides the orders' own
    rows: int | None = None
    newest_first: bool = True
    closed_in_part: bool = True

    def readable(self, body: str) -> bool:
        """Whether an answer with status 200 is data at all; the library takes a page for an answer full of nothing.

        So is half of an answer, where the connection ended in the middle of it. Some answer a cancel with the bare id.
        """
        return isinstance(_data(body), dict | list | str)

    def to_venue(self, client_order_id: str) -> str:
        """Our 32 hexadecimal digits in the form this exchange takes; here they are taken as they stand."""
        return client_order_id

    def from_venue(self, text: str) -> str:
        """Ours out of the exchange's form; another's id stays as it is."""
        bare = text.replace("-", "").lower()
        return bare if len(bare) == _UUID_DIGITS and set(bare) <= _HEX else text

    def expiry(self, order: VenueOrder, offset: timedelta, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Parameters that make the exchange refuse the request after ``order.valid_until``."""
        return {}

    def order_parameters(self, order: VenueOrder) -> dict[str, Any]:
        """The library's parameters of an order besides side, amount and limit price."""
        given: dict[str, Any] = {"clientOrderId": self.to_venue(order.client_order_id)}
        if order.type in {"limit", "stop_limit"}:
            given |= {"postOnly": True} if order.post_only else {"timeInForce": _time_in_force(order)}
        if order.stop_price is not None:
            name = "takeProfitPrice" if order.type == "take_profit" else "stopLossPrice"
            given[name] = plain(order.stop_price)
        return given

    def named(self, client_order_id: str, venue_order_id: str | None) -> tuple[str, dict[str, Any]]:
        """How a cancel names an order: the exchange's id, and parameters. By the exchange's id where that is known."""
        return (venue_order_id, {}) if venue_order_id else ("", self.by_client_id(client_order_id))

    def by_client_id(self, client_order_id: str) -> dict[str, Any]:
        """Parameters that name an order by our id."""
        return {"clientOrderId": self.to_venue(client_order_id)}

    def orders_since(self, pages: Pages, symbols: Sequence[str], start: int) -> list[Row]:
        """Orders of these instruments placed since, also those that ended without a trade."""
        asks = (partial(_placed_since, symbol=symbol) for symbol in symbols)
        return [order for ask in asks for order in pages.by_time("orders", ask, start)]

    async def look_up(self, client: Any, client_order_id: str, symbol: str, venue_order_id: str | None) -> Any:
        """The order as the library gives it, or None. Asked by the exchange's id, else searched by ours.

        Raises ``RetryableFailure`` where a list has orders without an id of ours or another's: one of them may be it.
        """
        if venue_order_id:
            return await _found(client.fetch_order(venue_order_id, symbol))
        listed: list[Mapping[str, Any]] = []
        for ask in (client.fetch_open_orders, client.fetch_closed_orders):
            listed += await ask(symbol)
            found = _mine(listed, self.to_venue(client_order_id))
            if found is not None:
                return found
        if any(not order.get("clientOrderId") for order in listed):
            message = f"{self.exchange} lists orders of {symbol} without ids of ours; which they are can't be told."
            raise RetryableFailure(message, code="venue_names_no_ids")
        return None

    async def trades_of(self, client: Any, symbol: str, venue_order_id: str) -> list[Any]:
        """All trades of one order."""
        if client.has.get("fetchOrderTrades"):
            found: list[Any] = await client.fetch_order_trades(venue_order_id, symbol)
            return found
        return [trade for trade in await client.fetch_my_trades(symbol) if trade.get("order") == venue_order_id]

    def streamed_order(self, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """An order as the stream tells it, with what the library did not read out of the exchange's own words."""
        return order

    async def amended(
        self,
        client: Any,  # noqa: ARG002
        client_order_id: str,
        order: VenueOrder,  # noqa: ARG002
        given: dict[str, Any],  # noqa: ARG002
    ) -> Any:
        """Change an order by one request."""
        message = f"{self.exchange} changes no orders; cancel {client_order_id} and send anew."
        raise VenueRefused(message, code="venue_cannot_amend")

    async def withdrawal_right(self, client: Any) -> WithdrawalRight:  # noqa: ARG002
        """Whether the key may withdraw, where the exchange tells."""
        return "unknown"


class BinanceDialect(Dialect):
    """Binance's spot interface."""

    def readable(self, body: str) -> bool:
        return isinstance(_data(body), dict | list)

    def expiry(self, order: VenueOrder, offset: timedelta, now: datetime) -> dict[str, Any]:
        """The request's time is that of the intent, not of the sending; the window is the request's life."""
        intended = min(now, order.valid_until - self.request_life)
        window = min(int((order.valid_until - intended) / timedelta(milliseconds=1)), _LONGEST_WINDOW_MS)
        return {"timestamp": _milliseconds(intended - offset), "recvWindow": max(window, 1)}

    def named(self, client_order_id: str, venue_order_id: str | None) -> tuple[str, dict[str, Any]]:  # noqa: ARG002
        return "", self.by_client_id(client_order_id)

    def by_client_id(self, client_order_id: str) -> dict[str, Any]:
        return {"origClientOrderId": self.to_venue(client_order_id)}

    async def look_up(self, client: Any, client_order_id: str, symbol: str, venue_order_id: str | None) -> Any:
        given = self.by_client_id(client_order_id) if client_order_id else {}
        return await _found(client.fetch_order(venue_order_id or "", symbol, given))

    async def amended(self, client: Any, client_order_id: str, order: VenueOrder, given: dict[str, Any]) -> Any:
        given |= {"cancelReplaceMode": "STOP_ON_FAILURE", "newClientOrderId": given.pop("clientOrderId")}
        if not order.venue_order_id:
            given["cancelOrigClientOrderId"] = self.to_venue(client_order_id)
        price = plain(order.limit_price) if order.limit_price is not None else None
        return await client.edit_order(
            order.venue_order_id or "", order.symbol, "limit", order.side, plain(order.quantity), price, given
        )

    async def withdrawal_right(self, client: Any) -> WithdrawalRight:
        answer = await client.sapi_get_account_apirestrictions()
        told = answer.get("enableWithdrawals")
        return ("yes" if told else "no") if isinstance(told, bool) else "unknown"


class KrakenDialect(Dialect):
    """Kraken's spot interface: ``cl_ord_id`` of 32 hexadecimal digits, one rising nonce a key."""

    def readable(self, body: str) -> bool:
        """Without a result or an error the library would read "nothing found" out of it."""
        answer = _data(body)
        return isinstance(answer, dict) and (isinstance(answer.get("result"), dict) or bool(answer.get("error")))

    def expiry(self, order: VenueOrder, offset: timedelta, now: datetime) -> dict[str, Any]:
        """The matching engine takes the order no later than this; at most a minute ahead."""
        latest = min(order.valid_until, now + timedelta(milliseconds=_LONGEST_WINDOW_MS)) - offset
        return {"deadline": latest.isoformat(timespec="milliseconds").replace("+00:00", "Z")}

    def named(self, client_order_id: str, venue_order_id: str | None) -> tuple[str, dict[str, Any]]:  # noqa: ARG002
        return "", self.by_client_id(client_order_id)

    def orders_since(self, pages: Pages, symbols: Sequence[str], start: int) -> list[Row]:
        """One list of all instruments, by offset."""
        ended = pages.by_offset(lambda client, offset: client.fetch_closed_orders(None, start, None, {"ofs": offset}))
        return [order for order in ended if order.get("symbol") in symbols]

    async def look_up(self, client: Any, client_order_id: str, symbol: str, venue_order_id: str | None) -> Any:
        if venue_order_id:
            return await _found(client.fetch_order(venue_order_id, symbol))
        wanted = self.to_venue(client_order_id)
        for ask in (client.fetch_open_orders, client.fetch_closed_orders):  # in this order: it may end in between
            found = _mine(await ask(symbol, None, None, {"clientOrderId": wanted}), wanted)
            if found is not None:
                return found
        return None

    async def trades_of(self, client: Any, symbol: str, venue_order_id: str) -> list[Any]:
        order = await client.fetch_order(venue_order_id, symbol)
        ids = [trade["id"] for trade in order.get("trades") or ()]
        if not ids:
            return []
        found: list[Any] = await client.fetch_order_trades(venue_order_id, symbol, None, None, {"trades": ids})
        return found

    def streamed_order(self, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """Our id and what is filled; an order's end states no amount, which the library takes for what was filled."""
        told = order["info"]
        words = {"clientOrderId": told.get("cl_ord_id"), "filled": told.get("cum_qty"), "amount": told.get("order_qty")}
        return {**order, **words}

    async def amended(self, client: Any, client_order_id: str, order: VenueOrder, given: dict[str, Any]) -> Any:
        price = plain(order.limit_price) if order.limit_price is not None else None
        given = {"clientOrderId": self.to_venue(client_order_id)} | {
            name: value for name, value in given.items() if name in {"deadline", "postOnly"}
        }
        await client.edit_order("", order.symbol, order.type, order.side, plain(order.quantity), price, given)
        return await self.look_up(client, client_order_id, order.symbol, order.venue_order_id)

    async def withdrawal_right(self, client: Any) -> WithdrawalRight:
        """Only a key that may withdraw is told the addresses to withdraw to."""
        try:
            await client.private_post_withdrawaddresses()
        except _errors.PermissionDenied:
            return "no"
        except _errors.ExchangeError as error:
            if "Unknown method" not in str(error):
                raise
            return "unknown"
        return "yes"


def dialect_of(exchange: str) -> Dialect:
    """The dialect of one of the library's exchanges."""
    if exchange == "binance":
        return BinanceDialect(
            exchange=exchange,
            capabilities=VenueCapabilities(
                # Not every instrument takes stops and take-profits that sell at the market; all take these.
                order_types=frozenset({"market", "limit", "stop_limit"}),
                amend="replace",
                native_stops=True,
            ),
            request_life=timedelta(seconds=5),
            fees_told=True,
            answers_creates_fully=True,
            client_id_in_trades="c",
            rights_at=("sapi",),
            rows=500,
            newest_first=False,
            closed_in_part=False,
        )
    if exchange == "kraken":
        return KrakenDialect(
            exchange=exchange,
            capabilities=VenueCapabilities(
                order_types=frozenset({"market", "limit", "stop", "stop_limit", "take_profit"}),
                times_in_force=frozenset({"GTC", "IOC"}),
                amend="in_place",
                native_stops=True,
            ),
            request_life=timedelta(seconds=5),
            one_at_a_time=True,
            clock_samples=1,  # it tells whole seconds
            client_id_in_trades="cl_ord_id",
            fees_told=True,
            fills_by_symbol=False,
            closed_in_part=False,
        )
    return Dialect(exchange=exchange)


def _data(body: str) -> Any:
    """What the text says; nothing where it is no JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _time_in_force(order: VenueOrder) -> str:
    return "GTC" if order.time_in_force == "GTD" else order.time_in_force


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


async def _placed_since(client: Any, start: int, rows: int | None, given: dict[str, Any], *, symbol: str) -> list[Row]:
    """By the widest list that the exchange has; where it has none of all, those that ended one way or the other."""
    for ability, method in _ALL_ORDERS:
        if client.has.get(ability) is True:
            listed: list[Row] = await getattr(client, method)(symbol, start, rows, given)
            return listed
    ended: list[Row] = await client.fetch_closed_orders(symbol, start, rows, given)
    if client.has.get("fetchCanceledOrders") is True:
        ended = [*ended, *await client.fetch_canceled_orders(symbol, start, rows, given)]
    return ended


async def _found(asked: Awaitable[Any]) -> Any:
    try:
        return await asked
    except _errors.OrderNotFound:
        return None


def _mine(orders: Sequence[Mapping[str, Any]], wanted: str) -> Mapping[str, Any] | None:
    return next((order for order in orders if order.get("clientOrderId") == wanted), None)
