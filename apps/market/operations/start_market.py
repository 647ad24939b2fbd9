"""Choosing the run: which market this home shows, from the settings, once. Idempotent; a restart resumes at the stored
bar.
"""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from apps.foundation import after_commit
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused
from apps.market import ports
from apps.market.domain import candles as bars
from apps.market.domain import timeframes
from apps.market.domain.instruments import DEFAULT_MIN_NOTIONAL, InstrumentRules, split_symbol
from apps.market.domain.recorded_set import HISTORY_BARS
from apps.market.models import Instrument, MarketClock, MarketKind, MarketState
from apps.market.operations.check_providers import judge_recorded_sources
from apps.market.operations.keep_sessions import keep_sessions
from apps.market.operations.publish_prices import put_on_board
from apps.market.operations.store_candles import note_quality, store
from apps.market.operations.watch_instruments import name_providers, watch
from apps.market.ports import LockStepMarket
from apps.market.queries.market_clock import LIVE_BASE_TIMEFRAME, MarketClockView, market_clock
from apps.market.queries.sessions import sessions_by_symbol

_FINEST_STEP = "0.00000001"


def start_market(*, moment: Moment) -> MarketClockView:
    """Start or resume the market that ``MARKET`` names.

    Refuses with a sentence (code ``market_refused``) what the settings can't give, and (``another_market``) a home
    that has already run another market, data set or seed.
    """
    if settings.MARKET == MarketKind.LIVE:
        _start_live(moment)
        return market_clock()
    try:
        for word in settings.INSTRUMENTS:
            split_symbol(word.partition("-")[0])
        _start_lock_step(ports.adapters().lock_step(), moment)
    except ValueError as error:
        raise Refused(str(error), code="market_refused", field="MARKET") from error
    return market_clock()


@transaction.atomic
def _start_lock_step(market: LockStepMarket, moment: Moment) -> None:
    _lock_start()
    clock = MarketClock.objects.select_for_update().first()
    _refuse_another(clock, market.kind, market.digest, market.description)
    bar_at = clock.bar_at if clock else market.first_open + HISTORY_BARS * timeframes.span(market.base_timeframe)
    if bar_at is None:
        raise Conflict("The market's clock has no bar.", code="another_market")
    # What is watched has its history: it was stored when it came in, and every bar since with its release.
    there = set(Instrument.objects.filter(watched=True).values_list("symbol", flat=True)) if clock else set()
    _watch_lock_step(market, bar_at)
    keep_sessions(first=market.first_open, last=market.last_open or bar_at)
    name_providers(market.sources, market.kind)
    _load_history(market, [symbol for symbol in market.symbols if symbol not in there], bar_at, moment)
    if clock is None:
        MarketClock.objects.create(
            kind=market.kind,
            digest=market.digest,
            description=market.description,
            seed=market.seed,
            speed=settings.SPEED,
            base_timeframe=market.base_timeframe,
            sources=list(market.sources),
            primary_source=market.sources[0],
            first_open=market.first_open,
            last_open=market.last_open,
            bar_at=bar_at,
            bar_index=HISTORY_BARS,
            state=MarketState.RUNNING,
            started_at=moment.wall,
            released_at=moment.wall,
        )
    else:
        MarketClock.objects.update(speed=settings.SPEED, description=market.description, sources=list(market.sources))
    judge_recorded_sources(MarketClock.objects.get(), moment.wall)
    quotes = [
        quote for provider in market.at(bar_at) for quote in provider.quotes(market.symbols, received_at=moment.wall)
    ]
    after_commit.run(lambda: put_on_board(quotes))


@transaction.atomic
def _start_live(moment: Moment) -> None:
    _lock_start()
    clock = MarketClock.objects.select_for_update().first()
    _refuse_another(clock, MarketKind.LIVE, MarketKind.LIVE, "Live public prices")
    names = list(settings.PROVIDERS)
    if not names:
        raise Refused(
            "PROVIDERS is empty; name at least one exchange, such as binance.", code="market_refused", field="PROVIDERS"
        )
    known = {row.symbol: row for row in Instrument.objects.all()}
    rules = [_kept_rules(known[symbol]) if symbol in known else _unstated(symbol) for symbol in settings.INSTRUMENTS]
    watch(rules, {symbol: known[symbol].sources for symbol in settings.INSTRUMENTS if symbol in known})
    name_providers(names, MarketKind.LIVE)
    if clock is None:
        MarketClock.objects.create(
            kind=MarketKind.LIVE,
            digest=MarketKind.LIVE,
            description=f"Live public prices of {', '.join(names)}",
            speed=1.0,
            base_timeframe=LIVE_BASE_TIMEFRAME,
            sources=names,
            primary_source=names[0],
            state=MarketState.WARMING,
            message=f"Waiting for the first price of {', '.join(names)}.",
            started_at=moment.wall,
        )
    else:
        leading = clock.primary_source if clock.primary_source in names else names[0]
        MarketClock.objects.update(
            sources=names,
            primary_source=leading,
            description=f"Live public prices of {', '.join(names)}",
            closing_until=None,
        )


def _refuse_another(clock: MarketClock | None, kind: str, digest: str, description: str) -> None:
    if clock is None or (clock.kind == kind and clock.digest == digest):
        return
    raise Conflict(
        f"This home has run another market: {clock.description}. The settings now name: {description}. "
        "Its books belong to the first one. Set MARKET, RECORDED_DIR, INSTRUMENTS and SIMULATED_SEED as they "
        "were, or choose another HQ_HOME.",
        code="another_market",
        field="MARKET",
    )


def _watch_lock_step(market: LockStepMarket, bar_at: datetime) -> None:
    rules: dict[str, InstrumentRules] = {}
    sources: dict[str, list[str]] = {}
    for provider in market.at(bar_at):
        for rule in provider.instruments(market.symbols):
            rules.setdefault(rule.symbol, rule)
            sources.setdefault(rule.symbol, []).append(provider.name)
    watch([rules[symbol] for symbol in market.symbols], sources)


def _load_history(market: LockStepMarket, symbols: Sequence[str], bar_at: datetime, moment: Moment) -> None:
    """Store the bars of ``symbols`` before the current one for every source; those already there stay."""
    since = bar_at - HISTORY_BARS * timeframes.span(market.base_timeframe)
    for provider in market.at(bar_at):
        for rule in provider.instruments(symbols):
            found = provider.candles(rule.symbol, market.base_timeframe, since=since, limit=HISTORY_BARS)
            store(bars.ladder(found, market.base_timeframe, sessions_by_symbol([rule.symbol], bar_at)))
            note_quality(found, wall=moment.wall)


def _kept_rules(row: Instrument) -> InstrumentRules:
    return InstrumentRules(
        row.symbol,
        row.base,
        row.quote,
        row.tick_size,
        row.step_size,
        row.min_quantity,
        row.min_notional,
        tuple(row.assumed),
        row.calendar,
    )


def _unstated(symbol: str) -> InstrumentRules:
    """Rules until an exchange has stated them: the finest steps, all marked as assumed. Without a price nothing is
    traded on them.
    """
    try:
        base, quote = split_symbol(symbol)
    except ValueError as error:
        raise Refused(f"INSTRUMENTS: {error}", code="market_refused", field="INSTRUMENTS") from error
    step = type(DEFAULT_MIN_NOTIONAL)(_FINEST_STEP)
    return InstrumentRules(
        symbol,
        base,
        quote,
        step,
        step,
        step,
        DEFAULT_MIN_NOTIONAL,
        ("tick_size", "step_size", "min_quantity", "min_notional"),
    )


def _lock_start() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('hq_market_start'))")
