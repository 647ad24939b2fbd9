"""Prices of US stocks from Yahoo through yfinance's session: no key, the last trade only, some minutes late at times.

The library's own ``history`` is not used: it keeps failed answers, swallows errors and turns prices into floats.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from threading import Lock
from typing import Any

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

NAME = "yfinance"
HOST = "https://query2.finance.yahoo.com"
TIMEOUT_SECONDS = 8
FRESH_SECONDS, CLOSED_SECONDS = 10.0, 300.0  # how long an answer serves while the exchange is open, and closed
NEW_YORK = frozenset({"NYQ", "NMS", "NGM", "NCM", "ASE", "PCX", "BTS", "NYS", "NAS"})
_MINOR_UNITS = frozenset({"GBp", "GBX", "ZAc", "ILA"})
_FURTHEST = {"1m": timedelta(days=7), "5m": timedelta(days=59), "15m": timedelta(days=59)}  # what Yahoo still has
_DIGITS = 7  # its prices are 32-bit floats; what lies behind is noise
_UNREADABLE = (TypeError, KeyError, IndexError, ValueError, AttributeError, InvalidOperation)
_NOT_FOUND, _TOO_MANY, _SERVER = 404, 429, 500


class YahooProvider:
    """Implements ``MarketDataProvider`` for stocks. ``address`` replaces Yahoo's hosts altogether;
    ``turns``: the rate that all processes share.
    """

    name = NAME
    market = "live"

    def __init__(
        self,
        *,
        symbols: Sequence[str],
        calendar: SessionCalendar,
        cache_dir: str = "",
        address: str = "",
        turns: RequestTurns | None = None,
    ) -> None:
        self._symbols = frozenset(symbols)
        self._turns = turns
        self._calendar = calendar
        self._cache_dir = cache_dir
        self._address = address
        self._client: Any = None
        self._building = Lock()
        self._heard: dict[str, tuple[float, float, Quote]] = {}
        self._listed: dict[str, bool] = {}

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentRules]:
        """Assumed rules of those of the stocks that Yahoo lists at a New York exchange in dollars."""
        return [stock_bars.stock_rules(symbol) for symbol in symbols if self._lists(symbol)]

    def quotes(self, symbols: Sequence[str], *, received_at: datetime) -> list[Quote]:
        """The last trade of each stock with an assumed spread; refused when it answers with none at all."""
        listed = [symbol for symbol in symbols if self._lists(symbol)]
        found = [self._quote(symbol, received_at) for symbol in listed]
        sound = [quote for quote in found if quoting.problem(quote) is None]
        if listed and not sound:
            raise ProviderRefused(f"{NAME} answered without a price of {', '.join(listed)}.", code="no_prices")
        return sound

    def candles(self, symbol: str, timeframe: str, *, since: datetime, limit: int) -> list[Candle]:
        """Cleaned candles inside the sessions. Minutes reach back a week, quarters of an hour two months."""
        self._refuse_unlisted(symbol)
        asked = stock_bars.ASKED[timeframe]
        now = wall_now()
        begin = max(since, now - _FURTHEST[asked] if asked in _FURTHEST else since)
        sessions = stock_bars.hours_of(self._calendar, begin - stock_bars.REACH, now)
        end = stock_bars.last_needed(sessions, begin, limit, timeframe, now)
        meta, rows = self._chart(symbol, asked, stock_bars.with_context(sessions, begin, asked), end)
        found = stock_bars.candles_of(
            rows,
            symbol=symbol,
            source=NAME,
            timeframe=timeframe,
            sessions=sessions,
            since=since,
            minor_unit=meta.get("currency") in _MINOR_UNITS,
        )
        return found[:limit]

    def order_book(self, symbol: str, *, depth: int, received_at: datetime) -> OrderBook:
        """The assumed top of book; Yahoo tells no depth."""
        if depth < 1:
            raise ProviderRefused(f"The depth was {depth}; it must be 1 or more.")
        self._refuse_unlisted(symbol)
        quote = self._quote(symbol, received_at)
        told = quoting.LAST_TRADE_ONLY[NAME]
        return OrderBook(symbol, NAME, quote.event_at, ((quote.bid, None),), ((quote.ask, None),), told)

    def _lists(self, symbol: str) -> bool:
        if symbol not in self._symbols:
            return False
        if symbol not in self._listed:
            now = wall_now()
            try:
                meta, _ = self._chart(symbol, "1d", now - timedelta(days=7), now)
            except ProviderRefused as error:
                if error.code != "unknown_instrument":
                    raise
                meta = {}
            self._listed[symbol] = meta.get("currency") == STOCK_CURRENCY and meta.get("exchangeName") in NEW_YORK
        return self._listed[symbol]

    def _refuse_unlisted(self, symbol: str) -> None:
        if not self._lists(symbol):
            raise ProviderRefused(
                f"{NAME} does not trade {symbol} in New York.", code="unknown_instrument", field="instrument"
            )

    def _quote(self, symbol: str, received_at: datetime) -> Quote:
        heard = self._heard.get(symbol)
        if heard is not None and time.monotonic() - heard[0] < heard[1]:
            return heard[2]
        meta, _ = self._chart(symbol, "1m", received_at - timedelta(minutes=5), received_at)
        try:
            event_at = datetime.fromtimestamp(int(meta["regularMarketTime"]), UTC)
            quote = quoting.quote_around(
                _price(meta["regularMarketPrice"]),
                symbol=symbol,
                source=NAME,
                event_at=min(event_at, received_at),
                received_at=received_at,
            )
            closes = int(meta["currentTradingPeriod"]["regular"]["end"])
            opens = int(meta["currentTradingPeriod"]["regular"]["start"])
        except _UNREADABLE as error:
            raise self._unreadable(error) from error
        trading = opens <= received_at.timestamp() < closes
        self._heard[symbol] = (time.monotonic(), FRESH_SECONDS if trading else CLOSED_SECONDS, quote)
        return quote

    def _chart(
        self, symbol: str, interval: str, first: datetime, last: datetime
    ) -> tuple[Mapping[str, Any], list[StockRow]]:
        """Yahoo's description of the share, and its rows."""
        ticker = symbol.partition("/")[0].replace(".", "-")
        wish = {
            "period1": str(int(first.timestamp())),
            "period2": str(int(last.timestamp()) + 1),
            "interval": interval,
            "includePrePost": "false",
            "events": "div,splits",
        }
        answer = self._asked(lambda client: client.get(f"{HOST}/v8/finance/chart/{ticker}", wish, TIMEOUT_SECONDS))
        if answer.status_code >= _SERVER:
            raise RetryableFailure(f"{NAME}: HTTP {answer.status_code}.", code="provider_away")
        try:
            chart = json.loads(answer.text, parse_float=Decimal)["chart"]
            failed = chart.get("error")
            if failed or answer.status_code == _NOT_FOUND:
                code = "unknown_instrument" if (failed or {}).get("code") == "Not Found" else "provider_refused"
                raise ProviderRefused(f"{NAME} on {symbol}: {(failed or {}).get('description')}.", code=code)
            result = chart["result"][0]
            splits = _splits(result)
            source_notices.tell(symbol, NAME, "1d", [stock_bars.announced(at, ratio) for at, ratio in splits.items()])
            return result["meta"], _rows(result, splits)
        except _UNREADABLE as error:
            raise self._unreadable(error) from error

    def _asked(self, question: Callable[[Any], Any]) -> Any:
        from requests import RequestException
        from yfinance.exceptions import YFException, YFRateLimitError

        if self._turns is not None:
            self._turns.wait()
        try:
            answer = question(self._connected())
        except YFRateLimitError as error:
            self._heard_too_many({})
            raise RetryableFailure(f"{NAME} asks to be left alone for a while.", code="provider_away") from error
        except YFException as error:
            raise ProviderRefused(f"{NAME}: {str(error)[:160]}") from error
        except (RequestException, OSError) as error:  # the library's other kind of session raises an OSError too
            raise RetryableFailure(
                f"{NAME}: {type(error).__name__}: {str(error)[:160]}", code="provider_away"
            ) from error
        except _UNREADABLE as error:
            raise self._unreadable(error) from error
        if answer.status_code == _TOO_MANY:
            self._heard_too_many(answer.headers)
            raise RetryableFailure(f"{NAME} asks to be left alone for a while.", code="provider_away")
        return answer

    def _heard_too_many(self, headers: Mapping[str, str]) -> None:
        if self._turns is not None:
            self._turns.heard(_TOO_MANY, headers)

    def _connected(self) -> Any:
        with self._building:
            if self._client is None:
                import yfinance
                from yfinance.data import YfData

                if self._cache_dir:
                    yfinance.set_tz_cache_location(self._cache_dir)
                self._client = YfData(session=redirected(self._address)) if self._address else YfData()
            return self._client

    def _unreadable(self, error: Exception) -> ProviderRefused:
        told = f"{type(error).__name__}: {str(error)[:160]}"
        return ProviderRefused(f"{NAME} answered something that can't be read ({told}).", code="unreadable_answer")


def redirected(address: str) -> Any:
    """A session that asks ``address`` whatever host was meant."""
    from urllib.parse import urlsplit

    import requests

    class Redirected(requests.Session):
        def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
            parts = urlsplit(str(url))
            query = f"?{parts.query}" if parts.query else ""
            return super().request(method, f"{address}{parts.path or '/'}{query}", *args, **options)

    return Redirected()


def _splits(result: Mapping[str, Any]) -> dict[datetime, Decimal]:
    """New shares for one old one, by the moment from which they count."""
    told = ((result.get("events") or {}).get("splits") or {}).values()
    return {
        datetime.fromtimestamp(int(each["date"]), UTC): Decimal(str(each["numerator"]))
        / Decimal(str(each["denominator"]))
        for each in told
    }


def _rows(result: Mapping[str, Any], splits: Mapping[datetime, Decimal]) -> list[StockRow]:
    """One row a timestamp; minutes without a trade, which Yahoo sends as nulls throughout, are left out."""
    quoted = result["indicators"]["quote"][0]
    adjusted = (result["indicators"].get("adjclose") or [{}])[0].get("adjclose")
    events = result.get("events") or {}
    paid = {int(each["date"]): Decimal(str(each["amount"])) for each in (events.get("dividends") or {}).values()}
    rows = []
    for place, stamp in enumerate(result.get("timestamp") or ()):
        values = [quoted[name][place] for name in ("open", "high", "low", "close", "volume")]
        if any(value is not None for value in values):
            at = datetime.fromtimestamp(int(stamp), UTC)
            opened, high, low, close = (_price(value) for value in values[:4])
            volume = Decimal(0) if values[4] is None else Decimal(str(values[4]))
            told = adjusted[place] if adjusted else None
            rows.append(
                StockRow(
                    at,
                    opened,
                    high,
                    low,
                    close,
                    volume,
                    adjusted=None if told is None else _price(told),
                    dividend=paid.get(int(stamp), Decimal(0)),
                    split=splits.get(at, Decimal(0)),
                )
            )
    return rows


def _price(value: Any) -> Decimal:
    """Seven digits of it; NaN for a value that is not there."""
    return Decimal("NaN") if value is None else Decimal(f"{Decimal(str(value)):.{_DIGITS}g}")
