"""One step of a recorded or simulated market: the next bar becomes known, all at once."""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction

from apps.foundation import after_commit, outbox
from apps.foundation.clock import Moment
from apps.market import ports
from apps.market.domain import timeframes
from apps.market.domain.candles import Candle
from apps.market.domain.quotes import Quote
from apps.market.models import Instrument, MarketClock, MarketState
from apps.market.operations.publish_prices import notify, put_on_board, show_candles, show_quotes
from apps.market.operations.store_candles import complete_coarser, note_missing, store
from apps.market.ports import LockStepMarket
from apps.market.queries.sessions import resting, sessions_by_symbol

WithIt = Callable[[datetime, Sequence[Quote]], None]


def release_next_bar(*, moment: Moment, with_it: WithIt = lambda *_: None) -> bool:
    """Release the bar after ``moment.firm``: candles, coarser candles, holes, the clock and what ``with_it`` writes,
    which gets the bar and its quotes, in one transaction; then its quotes to the screens.

    False when nothing was released: not a running lock-step market, another caller was first, or the market has ended
    (its state then says so). A crash before the commit releases nothing, nor does what ``with_it`` raises, so the same
    bar is released again.
    """
    clock = MarketClock.objects.first()
    if clock is None or not clock.lock_step or clock.state != MarketState.RUNNING:
        return False
    market = ports.adapters().lock_step()
    with transaction.atomic():
        locked = MarketClock.objects.select_for_update().get(pk=clock.pk)
        if (
            locked.bar_at is None
            or locked.bar_at != moment.firm
            or locked.state != MarketState.RUNNING
            or locked.digest != market.digest
        ):
            return False
        if market.last_open is not None and locked.bar_at > market.last_open:
            _end(market)
            return False
        _release(locked, market, _next_due(market, locked.bar_at), moment, with_it)
    return True


def _release(
    clock: MarketClock,
    market: LockStepMarket,
    open_at: datetime,
    moment: Moment,
    with_it: WithIt,
) -> None:
    closed_at = open_at + timeframes.span(market.base_timeframe)
    found, quotes = _read_bar(market, open_at, closed_at, moment)
    store(found)
    coarser = complete_coarser(
        base=market.base_timeframe, after=clock.bar_at or open_at, until=closed_at, symbols=market.symbols
    )
    MarketClock.objects.filter(pk=clock.pk).update(
        bar_at=closed_at, bar_index=clock.bar_index + 1, released_at=moment.wall, message=""
    )
    notify("hq_bar", closed_at.isoformat())
    released = Moment(wall=moment.wall, firm=closed_at)
    leaders = dict.fromkeys(market.symbols, clock.primary_source)

    with_it(closed_at, quotes)
    after_commit.run(lambda: _show(quotes, [*found, *coarser], leaders, released))


def _next_due(market: LockStepMarket, at: datetime) -> datetime:
    """Where the next bar opens: here, or, while every exchange of the run is closed, at the next opening."""
    hours = sessions_by_symbol(market.symbols, at)
    base = market.base_timeframe
    if len(hours) < len(market.symbols) or any(each.covers(at, base) for each in hours.values()):
        return at
    opening = [status.until for each in hours.values() if (status := each.status(at)).until is not None]
    return timeframes.floor_time(min(opening), base) if opening else at


def _read_bar(
    market: LockStepMarket, open_at: datetime, closed_at: datetime, moment: Moment
) -> tuple[list[Candle], list[Quote]]:
    """The bar's candles and quotes of every source; what a source lacks is noted as missing."""
    providers = {provider.name: provider for provider in market.at(closed_at)}
    found: list[Candle] = []
    closed = resting(market.symbols, open_at, market.base_timeframe)
    for row in Instrument.objects.filter(symbol__in=market.symbols).order_by("place"):
        for source in row.sources:
            bar = providers[source].candles(row.symbol, market.base_timeframe, since=open_at, limit=1)
            if bar:
                found += bar
            elif row.symbol not in closed:
                note_missing(
                    symbol=row.symbol, source=source, timeframe=market.base_timeframe, open_at=open_at, wall=moment.wall
                )
    quotes = [
        quote for provider in providers.values() for quote in provider.quotes(market.symbols, received_at=moment.wall)
    ]
    return found, quotes


def _show(quotes: list[Quote], candles: list[Candle], leaders: dict[str, str], moment: Moment) -> None:
    put_on_board(quotes)
    show_quotes(leaders, moment)
    show_candles(candles, leaders)


def _end(market: LockStepMarket) -> None:
    message = (
        f"The recorded market ended with the bar of {market.last_open:%Y-%m-%d %H:%M} UTC; trading is paused. "
        "Choose another recording and another HQ_HOME to go on."
    )
    MarketClock.objects.update(state=MarketState.ENDED, message=message)
    outbox.record_event(kind="system.changed", aggregate="market", payload={})
