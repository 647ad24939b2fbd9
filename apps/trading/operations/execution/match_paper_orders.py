"""Show the paper exchange the market, bar by bar, and take its fills into the books."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import structlog

from apps.foundation.clock import Moment
from apps.foundation.errors import NotReady, RetryableFailure
from apps.market import queries as market
from apps.market.domain import timeframes
from apps.market.domain.candles import Candle
from apps.market.domain.mark_price import STALE_AFTER_BARS, staleness
from apps.trading.models import Cursor, Order
from apps.trading.operations.books.collect_fills import collect_fills
from apps.trading.operations.execution.move_cursor import move_cursor
from apps.trading.operations.execution.record_venue_report import WORKING, record_venue_report
from apps.trading.ports import MatchingVenue, QuotedMarket, Steered, Venue

CURSOR = "paper"
log = structlog.get_logger(__name__)


def match_paper_orders(
    *, venues: Sequence[MatchingVenue], moment: Moment, steered: Steered | None = None, beside: Sequence[Venue] = ()
) -> int:
    """Match the working orders of all paper accounts against every bar after cursor ``paper``, or live quotes.

    ``steered`` is led to the same bar, and the fills that this made are taken in from ``beside``. Answers how many
    fills came in. A crash at any step is made good by the next call: the exchange matches a bar once, its fills are
    taken in before the cursor moves, and the books take a fill once.
    """
    clock = market.market_clock()
    if not clock.lock_step:
        return sum(_match_live(venue, moment, clock.base_timeframe) for venue in venues)
    if clock.bar_at is None:
        return 0
    reached = Cursor.objects.filter(name=CURSOR).values_list("through", flat=True).first()
    if reached is not None and reached >= moment.firm:
        return 0
    taken = sum(_match_bars(venue, reached or moment.firm, moment) for venue in venues)
    if steered is not None:
        steered.advance(to=moment.firm)
        taken += sum(_collected(venue, moment) for venue in beside)
    move_cursor(name=CURSOR, through=moment.firm)
    return taken


def _collected(venue: Venue, moment: Moment) -> int:
    """A venue that can't be asked now does not hold the market up: the polls take its fills in later."""
    try:
        return collect_fills(venue=venue, moment=moment)
    except RetryableFailure as failure:
        log.warning("fills_not_collected", account=venue.account, reason=failure.message)
        return 0


def _match_bars(venue: MatchingVenue, after: datetime, moment: Moment) -> int:
    taken = _settle(venue, moment)
    for closed_at, bars in _bars_by_close(venue, after, moment.firm):
        venue.match_bars(closed_at=closed_at, bars=bars)
        taken += _settle(venue, moment)
    return taken


def _bars_by_close(venue: MatchingVenue, after: datetime, until: datetime) -> list[tuple[datetime, list[Candle]]]:
    """Bars of instruments with working orders, oldest first."""
    symbols = sorted({report.symbol for report in venue.open_orders()})
    if not symbols:
        return []
    by_close: dict[datetime, list[Candle]] = defaultdict(list)
    for bar in market.bars_of(symbols=symbols, after=after, until=until, base=market.market_clock().base_timeframe):
        by_close[bar.close_at].append(bar)
    return sorted(by_close.items())


def _match_live(venue: MatchingVenue, moment: Moment, base_timeframe: str) -> int:
    symbols = sorted({report.symbol for report in venue.open_orders()})
    quoted = [found for symbol in symbols if (found := _fresh_market(symbol, moment, base_timeframe))]
    if quoted:
        venue.match_quotes(markets=quoted, moment=moment)
    return _settle(venue, moment)


def _fresh_market(symbol: str, moment: Moment, base_timeframe: str) -> QuotedMarket | None:
    """The leading fresh quote and the volume of the newest bar; None while either is old or the exchange is closed."""
    bar = timeframes.span(base_timeframe)
    if market.closed_instruments([symbol], moment.firm):
        return None
    try:
        quotes = market.latest_quotes(symbol, moment)
    except NotReady:  # the quote board is away: nothing is fresh, and fills that were made are still taken in
        return None
    fresh = [each for each in quotes if staleness(each, wall=moment.wall, firm=moment.firm, bar=bar, live=True) is None]
    candles = market.closed_candles(symbol=symbol, timeframe=base_timeframe, until=moment.firm, limit=1)
    if not fresh or not candles or moment.firm - candles[-1].close_at > STALE_AFTER_BARS * bar:
        return None
    return QuotedMarket(
        symbol=symbol,
        bid=fresh[0].bid,
        ask=fresh[0].ask,
        received_at=fresh[0].received_at,
        bar_volume=candles[-1].volume,
        window_start=timeframes.floor_time(moment.firm, base_timeframe),
    )


def _settle(venue: MatchingVenue, moment: Moment) -> int:
    """Take new fills in, then end those of our orders that the exchange ended without filling them."""
    taken = collect_fills(venue=venue, moment=moment)
    ours = list(Order.objects.filter(account_id=venue.account, state__in=WORKING).order_by("pk"))
    if ours:
        open_there = {report.client_order_id for report in venue.open_orders()}
        for order in ours:
            if order.client_order_id not in open_there:
                report = venue.find(client_order_id=order.client_order_id, symbol=order.symbol)
                if report is not None:
                    record_venue_report(order_id=order.pk, report=report, moment=moment)
    return taken
