"""Quotes and marks as of a moment.

In lock-step the quote of a bar is a pure function of its stored candle, so a mark is the same on every run and
outlives Redis;
the board in Redis only saves the look-up. On a live market the board is all there is: when it is away, nothing is
fresh.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from apps.foundation.clock import Moment
from apps.foundation.errors import NotReady
from apps.market import ports
from apps.market.domain import timeframes
from apps.market.domain.mark_price import STALE_AFTER_BARS, Mark, mark_of, no_mark
from apps.market.domain.quotes import Quote, assumed_quote
from apps.market.domain.sessions import SessionStatus
from apps.market.models import MarketState
from apps.market.queries.bar_memory import BarMemory
from apps.market.queries.candles import base_candles_at
from apps.market.queries.instruments import found_instrument
from apps.market.queries.market_clock import MarketClockView, market_clock
from apps.market.queries.sessions import sessions_by_symbol, split_notes

_REMEMBERED_BARS = 50 * STALE_AFTER_BARS  # how far back a silent source is still shown, marked stale
_kept: BarMemory[str, tuple[Mark, list[Quote]]] = BarMemory()


def mark(symbol: str, moment: Moment) -> Mark:
    """The mark of one instrument; ``NotFound`` for one that is not known."""
    found_instrument(symbol)
    return marks([symbol], moment)[symbol]


def marks(symbols: Sequence[str], moment: Moment) -> dict[str, Mark]:
    """The marks of several instruments in one read; an unknown one has no price and says so."""
    return {symbol: found for symbol, (found, _) in priced(symbols, moment, market_clock()).items()}


def priced(symbols: Sequence[str], moment: Moment, clock: MarketClockView) -> dict[str, tuple[Mark, list[Quote]]]:
    """Each instrument's mark with the quotes behind it, in one read; none where this process has read this bar's."""
    kept = _kept.of(moment.firm, clock)
    missing = [symbol for symbol in symbols if symbol not in kept]
    try:
        quotes = latest_quotes_of(missing, moment, clock)
    except NotReady as error:
        return {symbol: (no_mark(symbol, error.message), []) for symbol in symbols}
    hours = {symbol: each.status(moment.firm) for symbol, each in sessions_by_symbol(missing, moment.firm).items()}
    splits = split_notes(missing)
    found = {
        symbol: (_mark(symbol, quotes[symbol], moment, clock, hours.get(symbol)), quotes[symbol]) for symbol in missing
    }
    for symbol, note in splits.items():
        found[symbol] = (replace(found[symbol][0], stale=True, reason=note), found[symbol][1])
    kept.update({symbol: pair for symbol, pair in found.items() if pair[1]})
    return {symbol: found.get(symbol) or kept[symbol] for symbol in symbols}


def latest_quotes(symbol: str, moment: Moment | None = None) -> list[Quote]:
    """The latest quote of each source of one instrument, the primary source first. ``NotReady`` when live and Redis is
    away.
    """
    found_instrument(symbol)
    clock = market_clock()
    if moment is None and clock.lock_step and clock.bar_at is not None and clock.released_at is not None:
        moment = Moment(wall=clock.released_at, firm=clock.bar_at)
    return latest_quotes_of([symbol], moment, clock)[symbol]


def latest_quotes_of(
    symbols: Sequence[str], moment: Moment | None, clock: MarketClockView, *, newest: Sequence[Quote] = ()
) -> dict[str, list[Quote]]:
    """The latest quotes of several instruments, none from after the moment's firm time.

    ``newest``: those of a bar that is being released in lock-step, which are not on the board yet.
    """
    if not symbols or not clock.sources:
        return {symbol: [] for symbol in symbols}
    if not clock.lock_step:
        return ports.adapters().board.latest(symbols, clock.sources)
    if clock.bar_at is None:
        return {symbol: [] for symbol in symbols}
    firm = moment.firm if moment is not None else clock.bar_at
    try:
        quotes = _with_newest(ports.adapters().board.latest(symbols, clock.sources), newest, clock)
    except NotReady:
        quotes = {}
    missing = [symbol for symbol in symbols if not _current(quotes.get(symbol, []), firm, clock)]
    return quotes | (_quotes_of_candles(missing, firm, clock) if missing else {})


def _with_newest(
    shown: Mapping[str, Sequence[Quote]], newest: Sequence[Quote], clock: MarketClockView
) -> dict[str, list[Quote]]:
    """What the board will show once it shows ``newest`` too; of a source without a new quote its last one stays."""
    found = {symbol: {quote.source: quote for quote in quotes} for symbol, quotes in shown.items()}
    for quote in newest:
        if quote.symbol in found:
            found[quote.symbol][quote.source] = quote
    return {
        symbol: [by_source[source] for source in clock.sources if source in by_source]
        for symbol, by_source in found.items()
    }


def _current(quotes: Sequence[Quote], firm: datetime, clock: MarketClockView) -> bool:
    """Does the board show exactly this bar of this market? It is written in one step, so one quote of the bar vouches
    for all.
    """
    return (
        bool(quotes)
        and max(quote.event_at for quote in quotes) == firm
        and all(quote.market == clock.kind for quote in quotes)
    )


def _quotes_of_candles(symbols: Sequence[str], firm: datetime, clock: MarketClockView) -> dict[str, list[Quote]]:
    candles = base_candles_at(
        closed_at=firm, symbols=symbols, sources=clock.sources, base=clock.base_timeframe, within=_REMEMBERED_BARS
    )
    found: dict[str, list[Quote]] = {symbol: [] for symbol in symbols}
    for candle in sorted(candles, key=lambda candle: clock.sources.index(candle.source)):
        found[candle.symbol].append(assumed_quote(candle, received_at=clock.released_at or firm, market=clock.kind))
    return found


def _mark(
    symbol: str, quotes: Sequence[Quote], moment: Moment, clock: MarketClockView, session: SessionStatus | None
) -> Mark:
    if not quotes and clock.state != MarketState.RUNNING:
        return no_mark(symbol, clock.message)
    found = mark_of(
        symbol,
        quotes,
        wall=moment.wall,
        firm=moment.firm,
        bar=timeframes.span(clock.base_timeframe),
        live=not clock.lock_step,
        session=session,
    )
    ended = clock.state == MarketState.ENDED and found.price is not None
    return replace(found, stale=True, reason=f"Stale: {clock.message}") if ended else found
