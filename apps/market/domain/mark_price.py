"""The price that counts: the median of fresh sources that agree, or the reason why there is none to trust."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

from apps.foundation.money import BASIS_POINT, plain
from apps.market.domain.quotes import Quote
from apps.market.domain.sessions import SessionStatus

LARGEST_DIVERGENCE_BPS = Decimal(50)  # of one source from the median of the fresh ones
STALE_AFTER_BARS = 3
SILENT_AFTER = timedelta(seconds=20)  # wall clock, live markets only: four polls missed


@dataclass(frozen=True, slots=True)
class Mark:
    """``price`` is None when no source ever spoke. ``as_of`` is the newest event behind it, ``sources`` those it was
    made of. ``closed``: the instrument's exchange is closed, so the price is that of its last session and nothing
    trades before ``opens_at`` (None where its calendar does not reach so far).
    """

    symbol: str
    price: Decimal | None
    as_of: datetime | None
    received_at: datetime | None
    sources: tuple[str, ...]
    spread_bps: Decimal | None
    stale: bool
    diverging: bool
    reason: str
    closed: bool = False
    opens_at: datetime | None = None


def no_mark(symbol: str, reason: str) -> Mark:
    """The mark of an instrument without any price."""
    return Mark(
        symbol=symbol,
        price=None,
        as_of=None,
        received_at=None,
        sources=(),
        spread_bps=None,
        stale=True,
        diverging=False,
        reason=reason,
    )


def mark_of(
    symbol: str,
    quotes: Sequence[Quote],
    *,
    wall: datetime,
    firm: datetime,
    bar: timedelta,
    live: bool,
    session: SessionStatus | None = None,
) -> Mark:
    """The mark at this moment from the latest quote of each source.

    A source is stale when its feed is silent (wall clock, live only) or its event is older than three bars (firm
    clock). Of the fresh ones those within 50 bp of their median count, when they are the majority; else the mark is
    ``diverging``.
    Without a fresh source the last prices are shown, marked stale. While the instrument's exchange is closed
    (``session``) its feeds may be silent, and a price is stale only when it is older than the end of the last session.
    """
    if session is not None and not session.is_open:
        closing = min(firm, session.closed_at or firm)
        found = mark_of(symbol, quotes, wall=wall, firm=closing, bar=bar, live=False)
        opens = "" if session.until is None else f" until {session.until:%Y-%m-%d %H:%M} UTC"
        return replace(found, closed=True, opens_at=session.until, reason=f"Closed{opens}. {found.reason}")
    if not quotes:
        return no_mark(symbol, f"No source has sent a price of {symbol} yet.")
    why_stale = {quote.source: staleness(quote, wall=wall, firm=firm, bar=bar, live=live) for quote in quotes}
    fresh = [quote for quote in quotes if why_stale[quote.source] is None]
    if not fresh:
        newest = max(quotes, key=lambda quote: (quote.event_at, quote.source))
        last = [quote for quote in quotes if newest.event_at - quote.event_at <= STALE_AFTER_BARS * bar]
        reason = f"Stale: {newest.source} {why_stale[newest.source]}."
        return _built(symbol, last, stale=True, diverging=False, reason=reason)
    if len(quotes) == 1:
        return _alone(symbol, quotes[0])
    agreeing = _within_divergence(fresh)
    left_out = [f"{quote.source} {why_stale[quote.source]}" for quote in quotes if why_stale[quote.source]]
    if len(agreeing) * 2 <= len(fresh):
        said = ", ".join(f"{quote.source} {plain(quote.middle)}" for quote in fresh)
        return _built(symbol, fresh, stale=False, diverging=True, reason=f"Sources disagree: {said}.")
    left_out += [
        f"{quote.source} is off by more than {LARGEST_DIVERGENCE_BPS} bp" for quote in fresh if quote not in agreeing
    ]
    said = ", ".join(quote.source for quote in agreeing)
    reason = f"Median of {said}." if len(agreeing) > 1 else f"Price of {said}."
    return _built(
        symbol,
        agreeing,
        stale=False,
        diverging=False,
        reason=reason + (f" Left out: {'; '.join(left_out)}." if left_out else ""),
    )


def staleness(quote: Quote, *, wall: datetime, firm: datetime, bar: timedelta, live: bool) -> str | None:
    """Why this quote is too old, in words; None while it is fresh."""
    silent = wall - quote.received_at
    if live and silent > SILENT_AFTER:
        return f"has been silent for {int(silent.total_seconds())} s"
    age = firm - quote.event_at
    if age > STALE_AFTER_BARS * bar:
        return f"last spoke {int(age / bar)} bars ago, at {quote.event_at:%Y-%m-%d %H:%M}"
    return None


def _within_divergence(quotes: Sequence[Quote]) -> list[Quote]:
    middle = median(quote.middle for quote in quotes)
    return [quote for quote in quotes if abs(quote.middle - middle) / middle <= LARGEST_DIVERGENCE_BPS * BASIS_POINT]


def _alone(symbol: str, quote: Quote) -> Mark:
    """The mark where one source speaks, and is fresh."""
    return Mark(
        symbol=symbol,
        price=quote.middle,
        as_of=quote.event_at,
        received_at=quote.received_at,
        sources=(quote.source,),
        spread_bps=quote.spread_bps,
        stale=False,
        diverging=False,
        reason=f"Price of {quote.source}.",
    )


def _built(symbol: str, quotes: Sequence[Quote], *, stale: bool, diverging: bool, reason: str) -> Mark:
    return Mark(
        symbol=symbol,
        price=median(quote.middle for quote in quotes),
        as_of=max(quote.event_at for quote in quotes),
        received_at=max(quote.received_at for quote in quotes),
        sources=tuple(quote.source for quote in quotes),
        spread_bps=median(quote.spread_bps for quote in quotes),
        stale=stale,
        diverging=diverging,
        reason=reason,
    )
