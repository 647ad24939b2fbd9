"""Public prices of one exchange through ccxt's synchronous REST class. Numbers stay text until they are Decimals."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import structlog

from apps.foundation.errors import RetryableFailure
from apps.market.adapters.ccxt_classes import exchange_class
from apps.market.adapters.metered_requests import QuotasOf, metered
from apps.market.domain import candles as bars
from apps.market.domain import quotes as quoting
from apps.market.domain import timeframes
from apps.market.domain.candles import Candle
from apps.market.domain.instruments import DEFAULT_MIN_NOTIONAL, InstrumentRules, split_symbol
from apps.market.domain.order_book import OrderBook
from apps.market.domain.quotes import Quote
from apps.market.ports import ProviderRefused

TIMEOUT_MS = 4_000
# What load_markets would ask besides spot; on another address (a simulator, a test network) those paths don't exist.
_OPTIONS = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False}
_ONE_BY_ONE = frozenset({"coinbase"})  # its public list of tickers has no bid and ask; the single ticker has
_NO_CURRENCIES = frozenset({"coinbase"})  # its list of currencies is another interface and names nothing needed here
_UNREADABLE = (
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    ValueError,
)  # what ccxt raises on a page instead of JSON
log = structlog.get_logger(__name__)


class CcxtProvider:
    """One exchange. Raises ``RetryableFailure`` for network trouble and limits, ``ProviderRefused`` for answers
    without prices.
    """

    market = "live"

    def __init__(
        self,
        name: str,
        *,
        urls: Mapping[str, Any],
        symbols: Sequence[str],
        paced: bool = False,
        quotas_of: QuotasOf | None = None,
    ) -> None:
        """``quotas_of``: what the exchange allows, shared by all processes of the house. ``paced``: keep to the
        library's pace instead, for a lone process.
        """
        self.name = name
        self._symbols = tuple(symbols)
        self._urls = urls
        self._paced = paced
        self._quotas_of = quotas_of
        self._client: Any = None
        self._listed: Mapping[str, Any] | None = None

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentRules]:
        """Rules of those of ``symbols`` that this exchange trades."""
        markets = self._markets()
        return [_rules(symbol, markets[symbol]) for symbol in symbols if symbol in markets]

    def quotes(self, symbols: Sequence[str], *, received_at: datetime) -> list[Quote]:
        """Sound quotes of those of ``symbols`` that this exchange trades; refused when it answers with none at all."""
        listed = [symbol for symbol in symbols if symbol in self._markets()]
        if not listed:
            return []
        tickers = self._tickers(listed)
        found = [self._quote(symbol, tickers[symbol], received_at) for symbol in listed if symbol in tickers]
        sound = [quote for quote in found if quote is not None]
        if not sound:
            raise ProviderRefused(
                f"{self.name} answered without a bid and ask of {', '.join(listed)}.", code="no_prices"
            )
        return sound

    def _tickers(self, listed: Sequence[str]) -> Mapping[str, Any]:
        if self.name not in _ONE_BY_ONE:
            found: Mapping[str, Any] = self._ask(lambda exchange: exchange.fetch_tickers(list(listed)))
            return found
        return self._ask(lambda exchange: {symbol: exchange.fetch_ticker(symbol) for symbol in listed})

    def candles(self, symbol: str, timeframe: str, *, since: datetime, limit: int) -> list[Candle]:
        """Candles from ``since``, each time once, oldest first; unsound ones are left out. The last one may still be
        open.
        """
        self._refuse_unlisted(symbol)
        since_ms = timeframes.to_milliseconds(since)
        rows = self._ask(lambda exchange: exchange.fetch_ohlcv(symbol, timeframe, since_ms, limit))
        try:
            found = {int(row[0]): self._candle(symbol, timeframe, row) for row in rows if int(row[0]) >= since_ms}
        except (*_UNREADABLE, InvalidOperation) as error:
            raise self._unreadable(error) from error
        return [found[at] for at in sorted(found) if bars.problem(found[at]) is None][:limit]

    def order_book(self, symbol: str, *, depth: int, received_at: datetime) -> OrderBook:
        """The best ``depth`` levels a side; sorted here, since ccxt would sort text, or floats that print exactly."""
        if depth < 1:
            raise ProviderRefused(f"The depth was {depth}; it must be 1 or more.")
        self._refuse_unlisted(symbol)
        book = self._ask(lambda exchange: exchange.fetch_order_book(symbol, _offered_depth(depth)))
        try:
            bids = sorted(((Decimal(str(level[0])), Decimal(str(level[1]))) for level in book["bids"]), reverse=True)
            asks = sorted((Decimal(str(level[0])), Decimal(str(level[1]))) for level in book["asks"])
            as_of = timeframes.from_milliseconds(book["timestamp"]) if book.get("timestamp") else received_at
        except (*_UNREADABLE, InvalidOperation) as error:
            raise self._unreadable(error) from error
        if not bids or not asks:
            raise ProviderRefused(f"{self.name} answered without an order book of {symbol}.", code="no_prices")
        return OrderBook(symbol, self.name, as_of, tuple(bids[:depth]), tuple(asks[:depth]), assumed="")

    def _exchange(self) -> Any:
        if self._client is None:
            try:
                build = metered(exchange_class(self.name)) if self._quotas_of else exchange_class(self.name)
            except LookupError as error:
                raise ProviderRefused(
                    f"PROVIDERS names {self.name!r}: {error}", code="unknown_provider", field="PROVIDERS"
                ) from error
            self._client = build(
                {"timeout": TIMEOUT_MS, "enableRateLimit": self._paced, "number": str, "options": _OPTIONS}
            )
            self._client.number = str
            if self.name in _NO_CURRENCIES:
                self._client.has["fetchCurrencies"] = False
            self._client.urls["api"] = _merged(self._client.urls["api"], self._urls)
            if self._quotas_of is not None:
                self._client.meter(self._quotas_of(self._client))
        return self._client

    def _markets(self) -> Mapping[str, Any]:
        """The wanted markets, loaded once; the thousands of others are dropped."""
        if self._listed is None:
            exchange = self._exchange()
            loaded = self._ask(lambda client: client.load_markets(reload=True))
            if not loaded:
                raise ProviderRefused(f"{self.name} answered without a list of markets.", code="no_markets")
            self._listed = {symbol: market for symbol, market in loaded.items() if symbol in self._symbols}
            exchange.set_markets(list(self._listed.values()) or list(loaded.values())[:1])
            exchange.currencies = {}
        return self._listed

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        exchange = self._exchange()
        from ccxt.base import errors

        try:
            found = question(exchange)
        except (errors.OperationFailed, errors.RateLimitExceeded) as error:
            raise RetryableFailure(f"{self.name}: {_short(error)}", code="provider_away") from error
        except errors.BaseError as error:
            raise ProviderRefused(f"{self.name}: {_short(error)}") from error
        except _UNREADABLE as error:
            raise self._unreadable(error) from error
        said = str(exchange.last_http_response or "").lstrip()
        if not said.startswith(("{", "[")):  # the library takes a page with status 200 for an answer full of nothing
            raise ProviderRefused(
                f"{self.name} answered with a page instead of data: {said[:80]!r}", code="unreadable_answer"
            )
        return found

    def _unreadable(self, error: Exception) -> ProviderRefused:
        return ProviderRefused(
            f"{self.name} answered something that can't be read ({_short(error)}).", code="unreadable_answer"
        )

    def _refuse_unlisted(self, symbol: str) -> None:
        if symbol not in self._markets():
            raise ProviderRefused(
                f"{self.name} does not trade {symbol}.", code="unknown_instrument", field="instrument"
            )

    def _quote(self, symbol: str, ticker: Mapping[str, Any], received_at: datetime) -> Quote | None:
        """The quote, or None for a ticker without prices or with crossed ones."""
        try:
            if ticker["bid"] is None or ticker["ask"] is None:
                return None
            quote = Quote(
                symbol=symbol,
                source=self.name,
                bid=Decimal(ticker["bid"]),
                ask=Decimal(ticker["ask"]),
                last=None if ticker.get("last") is None else Decimal(ticker["last"]),
                event_at=self._event_at(ticker, received_at),
                received_at=received_at,
                market=self.market,
            )
        except (*_UNREADABLE, InvalidOperation) as error:
            raise self._unreadable(error) from error
        wrong = quoting.problem(quote)
        if wrong is not None:
            log.warning("quote_refused", source=self.name, instrument=symbol, reason=wrong)
        return quote if wrong is None else None

    def _event_at(self, ticker: Mapping[str, Any], received_at: datetime) -> datetime:
        """The exchange's time of the quote, never after ours; ours where it gives none or only the last trade's."""
        stamped = ticker.get("timestamp")
        if stamped is None or self.name in _ONE_BY_ONE:
            return received_at
        return min(timeframes.from_milliseconds(stamped), received_at)

    def _candle(self, symbol: str, timeframe: str, row: Sequence[Any]) -> Candle:
        opened, high, low, close, volume = (Decimal(value) for value in row[1:6])
        return Candle(
            symbol, self.name, timeframe, timeframes.from_milliseconds(int(row[0])), opened, high, low, close, volume
        )


def _merged(known: Any, given: Mapping[str, Any]) -> Any:
    """The library's addresses with the given ones laid over them."""
    if not isinstance(known, dict):
        return dict(given) or known
    return known | {
        name: _merged(known.get(name), value) if isinstance(value, dict) else value for name, value in given.items()
    }


def _rules(symbol: str, market: Mapping[str, Any]) -> InstrumentRules:
    """Steps and minimums as the exchange states them; what it leaves out is assumed and named."""
    base, quote = split_symbol(symbol)
    tick, step = market["precision"]["price"], market["precision"]["amount"]
    least, cost = market["limits"]["amount"]["min"], market["limits"]["cost"]["min"]
    missing = {"tick_size": tick, "step_size": step, "min_quantity": least, "min_notional": cost}
    if tick is None or step is None:
        raise ProviderRefused(f"The exchange states no tick or step for {symbol}.", code="no_rules")
    return InstrumentRules(
        symbol=symbol,
        base=base,
        quote=quote,
        tick_size=Decimal(tick),
        step_size=Decimal(step),
        min_quantity=Decimal(least if least is not None else step),
        min_notional=DEFAULT_MIN_NOTIONAL if cost is None else Decimal(cost),
        assumed=tuple(name for name, value in missing.items() if value is None),
    )


def _offered_depth(depth: int) -> int:
    """The smallest depth that every exchange offers and that is not below the wanted one."""
    return next((offered for offered in (5, 10, 20, 50, 100, 500) if offered >= depth), 500)


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:160]}"
