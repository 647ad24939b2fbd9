"""Compare the trades a venue lists with those in the books; post what is missing, keep what can't be posted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from apps.foundation.clock import Moment
from apps.foundation.money import plain
from apps.trading.domain.venues.break_kinds import BreakKind, BreakState
from apps.trading.domain.venues.reconciliation import TradeHere, compare_trades
from apps.trading.models import Fill, ReconciliationBreak
from apps.trading.operations.books.take_fill import fill_facts, take_fill, take_fills, trade_cause
from apps.trading.operations.execution.note_bad_answer import note_bad_news
from apps.trading.operations.reconciliation.accept_transfer import PREFIX
from apps.trading.operations.reconciliation.adopt_trade import fill_of
from apps.trading.operations.reconciliation.record_break import Finding, heal_breaks, keep_break
from apps.trading.ports import Venue, VenueFill

PAGE = 1_000
JUST_NOW = timedelta(seconds=5)  # a trade this young came in between the last collection and this comparison
HELD_BACK = (BreakKind.MISSING_FILL, BreakKind.OVER_FILL, BreakKind.FOREIGN_TRADE)


@dataclass(slots=True)
class TradesCompared:
    """What one comparison saw, and the watermark behind the last trade it read."""

    listed: int = 0
    posted: int = 0
    held_back: int = 0
    watermark: str = ""


def reconcile_trades(*, venue: Venue, symbols: Sequence[str], watermark: str, moment: Moment) -> TradesCompared:
    """Read the venue's trades from ``watermark`` on, page by page. Raises ``RetryableFailure``.

    From the beginning (an empty watermark) the venue's list is complete, so that what our books have beyond it shows.
    """
    done = TradesCompared(watermark=watermark)
    retry_held_back(venue=venue, moment=moment)
    seen: set[str] = set()
    earliest: datetime | None = None
    while True:
        page = venue.fills_since(watermark=done.watermark, symbols=symbols, limit=PAGE)
        done.listed += len(page.fills)
        _compare_page(page.fills, venue, moment, done)
        note_bad_news(account=venue.account, bad=page.bad, moment=moment)
        if not watermark:
            seen.update(fill.venue_trade_id for fill in page.fills)
            times = [fill.executed_firm for fill in page.fills]
            earliest = min([*times, earliest] if earliest else times, default=None)
        moved = page.watermark != done.watermark
        done.watermark = page.watermark
        if page.complete or not moved:
            break
    if not watermark and earliest is not None:
        _keep_unproven(seen, earliest, venue, moment)
    return done


def retry_held_back(*, venue: Venue, moment: Moment) -> int:
    """Try again to post the trades that wait as breaks; how many went in: funds may be free, an order known by now."""
    waiting = ReconciliationBreak.objects.filter(
        account_id=venue.account, kind__in=HELD_BACK, state=BreakState.OPEN
    ).order_by("pk")
    posted = 0
    for row in waiting:
        trade = row.facts.get("trade")
        if trade is None:
            continue
        fill = fill_of(trade)
        if take_fill(fill=fill, venue=venue, moment=moment, final=True) or _is_posted(fill, venue.account):
            posted += 1
            with transaction.atomic():
                heal_breaks(breaks=Q(pk=row.pk), healing="The trade is in the books now.", moment=moment)
    return posted


def _compare_page(fills: Sequence[VenueFill], venue: Venue, moment: Moment, done: TradesCompared) -> None:
    here = _posted(venue.account, [fill.venue_trade_id for fill in fills])
    found = compare_trades(here=here, there=fills, complete=False)
    settled = _closed_causes(venue.account, found.missing)
    missing = [fill for fill in found.missing if trade_cause(fill) not in settled]
    new = take_fills(fills=missing, venue=venue, moment=moment, final=True)
    for fill in missing:
        if fill.venue_trade_id not in new:
            done.held_back += not _is_posted(fill, venue.account)
            continue
        done.posted += 1
        if moment.firm - fill.executed_firm > JUST_NOW:
            keep_break(_missed(fill, venue.account), moment=moment)
    for posted, fill in found.altered:
        keep_break(_altered(posted, fill, venue.account), moment=moment)
    _heal_unproven(venue.account, here.values(), moment)


def _closed_causes(account: str, fills: Iterable[VenueFill]) -> set[str]:
    """Causes of trades about which a person has decided: they are not taken up again."""
    causes = [trade_cause(fill) for fill in fills]
    closed = ReconciliationBreak.objects.filter(account_id=account, cause__in=causes, state=BreakState.RESOLVED)
    return set(closed.values_list("cause", flat=True))


def _posted(account: str, names: list[str]) -> dict[str, TradeHere]:
    rows = Fill.objects.filter(account_id=account, venue_trade_id__in=names)
    fields = rows.values_list("venue_trade_id", "symbol", "side", "quantity", "price")
    return {row[0]: TradeHere(*row) for row in fields}


def _is_posted(fill: VenueFill, account: str) -> bool:
    return Fill.objects.filter(account_id=account, venue_trade_id=fill.venue_trade_id).exists()


def _missed(fill: VenueFill, account: str) -> Finding:
    size = f"{fill.side} {plain(fill.quantity)} {fill.symbol} at {plain(fill.price)}"
    return Finding(
        account=account,
        kind=BreakKind.MISSING_FILL,
        cause=trade_cause(fill),
        detail=f"Our books lacked the trade {fill.venue_trade_id}: {size}.",
        symbol=fill.symbol,
        facts={"trade": fill_facts(fill)},
        healing="It was posted as the venue told it.",
        healed=True,
    )


def _altered(posted: TradeHere, fill: VenueFill, account: str) -> Finding:
    was = f"{posted.side} {plain(posted.quantity)} {posted.symbol} at {plain(posted.price)}"
    now = f"{fill.side} {plain(fill.quantity)} {fill.symbol} at {plain(fill.price)}"
    return Finding(
        account=account,
        kind=BreakKind.BAD_ANSWER,
        cause=f"altered:{trade_cause(fill)}",
        detail=f"The venue tells the trade {fill.venue_trade_id} otherwise now: {now}. It was posted as {was}.",
        symbol=posted.symbol,
        facts={"trade": fill_facts(fill)},
        healing="Our books stay as they are: a posted trade is never changed.",
    )


def _heal_unproven(account: str, listed: Iterable[TradeHere], moment: Moment) -> None:
    """A list that lagged has caught up."""
    causes = [_unproven(trade.symbol, trade.venue_trade_id) for trade in listed]
    with transaction.atomic():
        heal_breaks(breaks=Q(account_id=account, cause__in=causes), healing="The venue lists it again.", moment=moment)


def _unproven(symbol: str, name: str) -> str:
    return f"unproven:trade:{symbol}:{name}"


def _keep_unproven(seen: set[str], earliest: datetime, venue: Venue, moment: Moment) -> None:
    ours = Fill.objects.filter(account_id=venue.account, traded_firm__gt=earliest)
    ours = ours.exclude(venue_trade_id__startswith=PREFIX)
    for name, symbol, side, quantity, price in ours.values_list(
        "venue_trade_id", "symbol", "side", "quantity", "price"
    ).iterator(chunk_size=2_000):
        if name in seen:
            continue
        words = f"{side} {plain(quantity)} {symbol} at {plain(price)}"
        keep_break(
            Finding(
                account=venue.account,
                kind=BreakKind.BAD_ANSWER,
                cause=_unproven(symbol, name),
                detail=f"Our books have the trade {name} ({words}), and the venue does not list it any more.",
                symbol=symbol,
                facts={"venue_trade_id": name},
                healing="Our books stay as they are: a posted trade is never taken back.",
            ),
            moment=moment,
        )
