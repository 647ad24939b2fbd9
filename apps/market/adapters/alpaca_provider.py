"""Prices of US stocks from Alpaca's data interface (a free key serves): quotes and bars of the exchange IEX."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from threading import Lock
from typing import Any

import structlog

from apps.foundation.clock import wall_now
from apps.foundation.errors import RetryableFailure
from apps.market.adapters import source_notices, stock_bars
from apps.market.adapters.metered_requests import RequestTurns
from apps.market.domain import quotes as quoting
from apps.market.domain.candles import Candle
from apps.market.domain.instruments import STOCK_CURRENCY, InstrumentRules
from apps.market.domain.order_book import OrderBook
from apps.market.domain.quotes import Quote
from apps.market.domain.stock_rows import StockRow
from apps.market.ports import ProviderRefused, SessionCalendar

NAME = "alpaca"
_FRAMES = {"1m": "1Min", "5m": "5Min", "15m": "15Min", "1d": "1Day"}
_PAGE = 10_000
_EX_DATE_BEGINS = timedelta(hours=8)  # four in the morning in New York, before the first trade of that day
_UNREADABLE = (TypeError, KeyError, IndexError, ValueError, AttributeError, InvalidOperation)
_TOO_MANY, _SERVER, _KEY_REFUSED, _BAD_REQUEST = 429, 500, frozenset({401, 403}), 400
log = structlog.get_logger(__name__)


class AlpacaProvider:
    """Implements ``MarketDataProvider`` for stocks. ``address`` replaces the vendor's endpoint;
    ``turns``: the rate that all processes share.
    """

    name = NAME
    market = "live"

    def __init__(
        self,
        *,
        symbols: Sequence[str],
        calendar: SessionCalendar,
        key: str,
        secret: str,
        feed: str = "iex",
        address: str = "",
        turns: RequestTurns | None = None,
    ) -> None:
        self._symbols = frozenset(symbols)
        self._turns = turns
        self._calendar = calendar
        self._keys = {"key": key, "secret": secret, "address": address}
        self._feed = feed
        self._client: Any = None
        self._building = Lock()
        self._asked_splits: dict[str, date] = {}

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentRules]:
        """Assumed rules of those of the stocks that it has a quote of; the account's venue states the real ones."""
        listed = [symbol for symbol in symbols if symbol in self._symbols]
        known = self._latest(listed) if listed else {}
        return [stock_bars.stock_rules(symbol) for symbol in listed if _ticker(symbol) in known]

    def quotes(self, symbols: Sequence[str], *, received_at: datetime) -> list[Quote]:
        """The latest quote of each stock; refused when it answers with none at all."""
        listed = [symbol for symbol in symbols if symbol in self._symbols]
        if not listed:
            return []
        self._ask_for_splits(listed, received_at)
        latest = self._latest(listed)
        found = [
            self._quote(symbol, latest[_ticker(symbol)], received_at) for symbol in listed if _ticker(symbol) in latest
        ]
        sound = [quote for quote in found if quote is not None]
        if not sound:
            raise ProviderRefused(f"{NAME} answered without a bid and ask of {', '.join(listed)}.", code="no_prices")
        return sound

    def candles(self, symbol: str, timeframe: str, *, since: datetime, limit: int) -> list[Candle]:
        """Cleaned candles inside the sessions, carried back over splits by the vendor."""
        self._refuse_unlisted(symbol)
        asked, now = stock_bars.ASKED[timeframe], wall_now()
        sessions = stock_bars.hours_of(self._calendar, since - stock_bars.REACH, now)
        end = stock_bars.last_needed(sessions, since, limit, timeframe, now)
        rows = self._bars(symbol, asked, stock_bars.with_context(sessions, since, asked), end)
        found = stock_bars.candles_of(
            rows,
            symbol=symbol,
            source=NAME,
            timeframe=timeframe,
            sessions=sessions,
            since=since,
            minor_unit=False,
        )
        return found[:limit]

    def order_book(self, symbol: str, *, depth: int, received_at: datetime) -> OrderBook:
        """The best bid and ask with their sizes in shares; more depth is not told."""
        if depth < 1:
            raise ProviderRefused(f"The depth was {depth}; it must be 1 or more.")
        self._refuse_unlisted(symbol)
        latest = self._latest([symbol]).get(_ticker(symbol))
        quote = None if latest is None else self._quote(symbol, latest, received_at)
        if latest is None or quote is None:
            raise ProviderRefused(f"{NAME} answered without an order book of {symbol}.", code="no_prices")
        bids, asks = (quote.bid, Decimal(str(latest["bs"]))), (quote.ask, Decimal(str(latest["as"])))
        return OrderBook(symbol, NAME, quote.event_at, (bids,), (asks,), assumed="")

    def _ask_for_splits(self, symbols: Sequence[str], now: datetime) -> None:
        """Once a day and stock, before the first price of that day is believed: has a split taken effect?"""
        today = now.astimezone(UTC).date()
        new = [symbol for symbol in symbols if self._asked_splits.get(symbol) != today]
        if not new:
            return
        wish = {
            "symbols": ",".join(map(_ticker, new)),
            "types": "forward_split,reverse_split",
            "start": str(today - timedelta(days=4)),
            "end": str(today),
        }
        answer = self._asked(lambda client: client.get("/corporate-actions", wish, api_version="v1"))
        try:
            for each in (told for kind in answer["corporate_actions"].values() for told in kind):
                at = datetime.fromisoformat(each["ex_date"]).replace(tzinfo=UTC) + _EX_DATE_BEGINS
                ratio = Decimal(str(each["new_rate"])) / Decimal(str(each["old_rate"]))
                source_notices.tell(f"{each['symbol']}/{STOCK_CURRENCY}", NAME, "1d", [stock_bars.announced(at, ratio)])
        except _UNREADABLE as error:
            raise _unreadable(error) from error
        self._asked_splits |= dict.fromkeys(new, today)

    def _refuse_unlisted(self, symbol: str) -> None:
        if symbol not in self._symbols:
            raise ProviderRefused(f"{NAME} is not asked for {symbol}.", code="unknown_instrument", field="instrument")

    def _latest(self, symbols: Sequence[str]) -> Mapping[str, Any]:
        wish = {"symbols": ",".join(map(_ticker, symbols)), "feed": self._feed}
        answer = self._asked(lambda client: client.get("/stocks/quotes/latest", wish))
        try:
            return dict(answer["quotes"])
        except _UNREADABLE as error:
            raise _unreadable(error) from error

    def _quote(self, symbol: str, latest: Mapping[str, Any], received_at: datetime) -> Quote | None:
        """The quote, or None for one with an empty side (the vendor sends zero) or crossed sides."""
        try:
            quote = Quote(
                symbol=symbol,
                source=NAME,
                bid=Decimal(str(latest["bp"])),
                ask=Decimal(str(latest["ap"])),
                last=None,
                event_at=min(datetime.fromisoformat(latest["t"]).astimezone(UTC), received_at),
                received_at=received_at,
                market=self.market,
            )
        except _UNREADABLE as error:
            raise _unreadable(error) from error
        wrong = quoting.problem(quote)
        if wrong is not None:
            log.warning("quote_refused", source=NAME, instrument=symbol, reason=wrong)
        return quote if wrong is None else None

    def _bars(self, symbol: str, asked: str, first: datetime, last: datetime) -> list[StockRow]:
        rows: list[StockRow] = []
        wish = {
            "symbols": _ticker(symbol),
            "timeframe": _FRAMES[asked],
            "start": _iso(first),
            "end": _iso(last),
            "adjustment": "split",
            "feed": self._feed,
            "limit": str(_PAGE),
        }
        while True:
            answer = self._asked(lambda client: client.get("/stocks/bars", dict(wish)))
            try:
                rows += [_row(bar) for bar in (answer["bars"] or {}).get(_ticker(symbol), ())]
                token = answer.get("next_page_token")
            except _UNREADABLE as error:
                raise _unreadable(error) from error
            if not token:
                return rows
            wish["page_token"] = str(token)

    def _asked(self, question: Callable[[Any], Any]) -> Any:
        from alpaca.common.exceptions import APIError
        from requests import RequestException

        if self._turns is not None:
            self._turns.wait()
        try:
            return question(self._connected())
        except APIError as error:
            if self._turns is not None:
                self._turns.heard(error.status_code or 0, getattr(error.response, "headers", {}))
            raise _told(error) from error
        except _UNREADABLE as error:
            raise _unreadable(error) from error
        except RequestException as error:
            raise RetryableFailure(
                f"{NAME}: {type(error).__name__}: {str(error)[:160]}", code="provider_away"
            ) from error

    def _connected(self) -> Any:
        with self._building:
            if self._client is None:
                from apps.market.adapters.alpaca_data_client import OneTryDataClient

                self._client = OneTryDataClient(**self._keys)
            return self._client


def _told(error: Any) -> RetryableFailure | ProviderRefused:
    """The house's error for an answer with an error status."""
    status = error.status_code or 0
    try:
        words = str(json.loads(str(error)).get("message", ""))
    except (ValueError, AttributeError):
        words = ""
    if status == _TOO_MANY or status >= _SERVER:
        return RetryableFailure(f"{NAME}: HTTP {status} {words}".rstrip() + ".", code="provider_away")
    if status in _KEY_REFUSED:
        return ProviderRefused(f"{NAME} does not accept the key (HTTP {status} {words}).", code="key_refused")
    if status == _BAD_REQUEST and "invalid symbol" in words:
        return ProviderRefused(f"{NAME}: {words}.", code="unknown_instrument", field="instrument")
    return ProviderRefused(f"{NAME}: HTTP {status} {words or str(error)[:80]}.")


def _unreadable(error: Exception) -> ProviderRefused:
    told = f"{type(error).__name__}: {str(error)[:160]}"
    return ProviderRefused(f"{NAME} answered something that can't be read ({told}).", code="unreadable_answer")


def _row(bar: Mapping[str, Any]) -> StockRow:
    opened, high, low, close, volume = (Decimal(str(bar[name])) for name in ("o", "h", "l", "c", "v"))
    return StockRow(datetime.fromisoformat(bar["t"]).astimezone(UTC), opened, high, low, close, volume)


def _ticker(symbol: str) -> str:
    return symbol.partition("/")[0]


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
