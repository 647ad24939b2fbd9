"""Builds the market's adapters from the settings and installs them. Each is loaded where it is built: who only reads a
candle file loads no exchange.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from apps.foundation.errors import Refused
from apps.market import ports
from apps.market.domain.candle_columns import CandleColumns
from apps.market.domain.instruments import InstrumentRules
from apps.market.domain.recorded_set import NoRecordedRun
from apps.market.domain.request_quotas import PROCESSES_BESIDE_EXECUTORS, RequestQuotas, address_of, allowed_by, is_here

if TYPE_CHECKING:
    from apps.market.adapters.candle_recorder import CandleRecorder
    from apps.market.adapters.metered_requests import RequestTurns

YAHOO, ALPACA = "yfinance", "alpaca"


def install() -> None:
    """Put the adapters of this process in place; nothing is opened or loaded until it is asked for."""
    from apps.market.adapters import source_notices
    from apps.market.adapters.redis_quotes import RedisQuoteBoard

    ports.install(
        ports.MarketAdapters(
            board=RedisQuoteBoard(),
            lock_step=lock_step_market,
            live=live_providers,
            calendar=session_calendar,
            notices=source_notices.take,
        )
    )


@lru_cache(maxsize=1)
def session_calendar() -> ports.SessionCalendar:
    """The calendars of the exchanges; their library is loaded on first use."""
    from apps.market.adapters.exchange_sessions import ExchangeSessions

    return ExchangeSessions()


def lock_step_market() -> ports.LockStepMarket:
    """The recorded or generated market that the settings name; read once and kept while they stay the same."""
    if settings.MARKET == "recorded":
        if not settings.RECORDED_DIR:
            raise NoRecordedRun(
                "MARKET=recorded needs RECORDED_DIR, a folder with candle files; download_candles fills one."
            )
        return _recorded(settings.RECORDED_DIR, tuple(settings.INSTRUMENTS), tuple(settings.PROVIDERS))
    return _simulated(tuple(settings.INSTRUMENTS), settings.SIMULATED_SEED)


def live_providers() -> tuple[ports.MarketDataProvider, ...]:
    """The exchanges that the settings name, in order of priority; their clients are kept, their library is loaded on
    first use.
    """
    urls = {**settings.HQ_CCXT_URLS, "stocks": settings.HQ_STOCK_URLS}
    return _live(
        tuple(settings.PROVIDERS),
        tuple(settings.INSTRUMENTS),
        tuple(settings.STOCKS),
        json.dumps(urls, sort_keys=True),
    )


@lru_cache(maxsize=1)
def _live(
    names: tuple[str, ...], symbols: tuple[str, ...], stocks: tuple[str, ...], urls: str
) -> tuple[ports.MarketDataProvider, ...]:
    from apps.market.adapters.ccxt_provider import CcxtProvider
    from apps.market.adapters.guarded_provider import GuardedProvider

    given = json.loads(urls)
    coins = tuple(symbol for symbol in symbols if symbol not in stocks)
    return tuple(
        GuardedProvider(
            _stock_provider(name, stocks, given["stocks"].get(name, ""), _turns(name, given["stocks"].get(name, "")))
            if name in {YAHOO, ALPACA}
            else CcxtProvider(name, urls=given.get(name, {}), symbols=coins, quotas_of=_exchange_quotas)
        )
        for name in names
    )


def _exchange_quotas(client: Any) -> RequestQuotas:
    """What the exchange allows to all processes of the house at the address that this client asks."""
    given = settings.HQ_REQUEST_QUOTAS.get(client.id)
    address = address_of(client.urls["api"], hostname=client.hostname or "")
    return RequestQuotas(
        exchange=client.id,
        address=address,
        allowed=allowed_by(client.id, pace_ms=float(client.rateLimit), given=given, here=is_here(address)),
        processes=settings.HQ_WORKERS + PROCESSES_BESIDE_EXECUTORS,
    )


def _turns(name: str, address: str) -> "RequestTurns":
    from apps.market.adapters.metered_requests import RequestTurns

    quotas = RequestQuotas(
        exchange=name,
        address=address or f"{name} prices",
        allowed=allowed_by(name, given=settings.HQ_REQUEST_QUOTAS.get(name)),
        processes=PROCESSES_BESIDE_EXECUTORS,
    )
    return RequestTurns(quotas)


def _stock_provider(
    name: str, stocks: Sequence[str], address: str, turns: "RequestTurns | None" = None
) -> ports.MarketDataProvider:
    if name == YAHOO:
        from apps.market.adapters.yahoo_provider import YahooProvider

        cache = str(settings.HQ_HOME / "cache" / name)
        return YahooProvider(symbols=stocks, calendar=session_calendar(), cache_dir=cache, address=address, turns=turns)
    if not (settings.ALPACA_DATA_KEY and settings.ALPACA_DATA_SECRET):
        raise Refused(
            "PROVIDERS names alpaca, but ALPACA_DATA_KEY or ALPACA_DATA_SECRET is empty. Set both (a free paper "
            "account has them), or take alpaca out of PROVIDERS.",
            code="market_refused",
            field="ALPACA_DATA_KEY",
        )
    from apps.market.adapters.alpaca_provider import AlpacaProvider

    return AlpacaProvider(
        symbols=stocks,
        calendar=session_calendar(),
        key=settings.ALPACA_DATA_KEY,
        secret=settings.ALPACA_DATA_SECRET,
        feed=settings.ALPACA_FEED,
        address=address,
        turns=turns,
    )


def lone_provider(name: str, symbols: Sequence[str]) -> ports.MarketDataProvider:
    """One exchange for a command that runs without the firm: it paces itself and needs no Redis."""
    from apps.market.adapters.ccxt_provider import CcxtProvider

    if name in {YAHOO, ALPACA}:
        return _stock_provider(name, symbols, settings.HQ_STOCK_URLS.get(name, ""))
    return CcxtProvider(name, urls=settings.HQ_CCXT_URLS.get(name, {}), symbols=symbols, paced=True)


def record_rules(folder: Path, exchange: str, rules: Sequence[InstrumentRules]) -> Path:
    """Keep an exchange's rules beside its candle files."""
    from apps.market.adapters.candle_recorder import write_rules

    return write_rules(folder, exchange, rules)


def candle_columns(path: Path, symbol: str | None = None) -> CandleColumns:
    """The candles of a recorded file as columns. Raises ``NoRecordedRun``."""
    from apps.market.adapters.candle_column_files import read_columns

    return read_columns(path, symbol=symbol)


def rules_beside(path: Path, columns: CandleColumns) -> InstrumentRules:
    """The rules of a recorded file's instrument: the exchange's own, or assumed from the data."""
    from apps.market.adapters import candle_column_files

    return candle_column_files.rules_beside(path, columns)


def candle_recorder(folder: Path, exchange: str, symbol: str, timeframe: str) -> "CandleRecorder":
    """Where the candles of one series are kept."""
    from apps.market.adapters.candle_recorder import CandleRecorder

    return CandleRecorder(folder, exchange, symbol, timeframe)


@lru_cache(maxsize=1)
def _recorded(folder: str, words: tuple[str, ...], preferred: tuple[str, ...]) -> ports.LockStepMarket:
    from apps.market.adapters.recorded_provider import RecordedMarket

    return RecordedMarket(Path(settings.BASE_DIR, folder), words, preferred)


@lru_cache(maxsize=1)
def _simulated(symbols: tuple[str, ...], seed: int) -> ports.LockStepMarket:
    from apps.market.adapters.simulated_provider import SimulatedMarket

    return SimulatedMarket(symbols, seed)
