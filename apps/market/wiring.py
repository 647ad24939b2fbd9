"""Builds the market's adapters from the settings and installs them."""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from apps.market import ports
from apps.market.adapters.candle_recorder import CandleRecorder, write_rules
from apps.market.adapters.ccxt_provider import CcxtProvider
from apps.market.adapters.guarded_provider import GuardedProvider
from apps.market.adapters.recorded_provider import RecordedMarket
from apps.market.adapters.redis_quotes import RedisQuoteBoard
from apps.market.adapters.simulated_provider import SimulatedMarket
from apps.market.domain.instruments import InstrumentRules
from apps.market.domain.recorded_set import NoRecordedRun


def install() -> None:
    """Put the adapters of this process in place; nothing is opened or loaded until it is asked for."""
    ports.install(ports.MarketAdapters(board=RedisQuoteBoard(), lock_step=lock_step_market, live=live_providers))


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
    return _live(
        tuple(settings.PROVIDERS), tuple(settings.INSTRUMENTS), json.dumps(settings.HQ_CCXT_URLS, sort_keys=True)
    )


@lru_cache(maxsize=1)
def _live(names: tuple[str, ...], symbols: tuple[str, ...], urls: str) -> tuple[ports.MarketDataProvider, ...]:
    given = json.loads(urls)
    return tuple(GuardedProvider(CcxtProvider(name, urls=given.get(name, {}), symbols=symbols)) for name in names)


def lone_provider(name: str, symbols: Sequence[str]) -> ports.MarketDataProvider:
    """One exchange for a command that runs without the firm: it paces itself and needs no Redis."""
    return CcxtProvider(name, urls=settings.HQ_CCXT_URLS.get(name, {}), symbols=symbols, paced=True)


def record_rules(folder: Path, exchange: str, rules: Sequence[InstrumentRules]) -> Path:
    """Keep an exchange's rules beside its candle files."""
    return write_rules(folder, exchange, rules)


def candle_recorder(folder: Path, exchange: str, symbol: str, timeframe: str) -> CandleRecorder:
    """Where the candles of one series are kept."""
    return CandleRecorder(folder, exchange, symbol, timeframe)


@lru_cache(maxsize=1)
def _recorded(folder: str, words: tuple[str, ...], preferred: tuple[str, ...]) -> RecordedMarket:
    return RecordedMarket(Path(settings.BASE_DIR, folder), words, preferred)


@lru_cache(maxsize=1)
def _simulated(symbols: tuple[str, ...], seed: int) -> SimulatedMarket:
    return SimulatedMarket(symbols, seed)
