"""Take a venue's new fills into the books, in the venue's order."""

from datetime import timedelta

from apps.foundation.clock import Moment
from apps.trading.domain.orders.order_lifecycle import AT_VENUE
from apps.trading.models import Order, VenueWatermark
from apps.trading.operations.books.take_fill import posted_trades, take_fills
from apps.trading.operations.execution.note_bad_answer import note_bad_news
from apps.trading.operations.execution.take_turn import take_turn
from apps.trading.ports import Venue

BATCH = 200
EVERY = timedelta(seconds=9)
LATE = timedelta(minutes=1)


def collect_fills_in_turn(*, venue: Venue, moment: Moment) -> int:
    """``collect_fills``, unless another executor has done so a moment ago."""
    if not take_turn(account=venue.account, turn="collected_wall", every=EVERY, moment=moment):
        return 0
    return collect_fills(venue=venue, moment=moment)


def collect_fills(*, venue: Venue, moment: Moment) -> int:
    """Take in every fill behind the account's watermark; how many were new. Raises ``RetryableFailure``.

    A fill that can't be posted becomes a break and holds up no other.

    The watermark moves after the fills it covers are committed, so a crash in between only repeats fills, which the
    unique venue trade id makes harmless. Any number of collectors may run at once: a slower one may move the watermark
    back, which again only repeats fills.
    """
    applied = 0
    symbols = _symbols_to_ask(venue.account, moment)
    while True:
        mark, _ = VenueWatermark.objects.get_or_create(account_id=venue.account)
        page = venue.fills_since(watermark=mark.watermark, symbols=symbols, limit=BATCH)
        posted = posted_trades(venue.account, [fill.venue_trade_id for fill in page.fills])
        fresh = [fill for fill in page.fills if fill.venue_trade_id not in posted]
        if fresh:
            applied += len(take_fills(fills=fresh, venue=venue, moment=moment))
        note_bad_news(account=venue.account, bad=page.bad, moment=moment)
        if page.watermark != mark.watermark:
            VenueWatermark.objects.filter(pk=mark.pk).update(watermark=page.watermark)
        if page.complete:
            return applied


def _symbols_to_ask(account: str, moment: Moment) -> list[str]:
    """Instruments with an order at work, or with one that ended within ``LATE``: a trade may follow its end."""
    orders = Order.objects.filter(account_id=account).values_list("symbol")
    at_work = orders.filter(state__in=AT_VENUE)
    lately = orders.filter(done_wall__gt=moment.wall - LATE, venue_order_id__isnull=False)
    return sorted(symbol for (symbol,) in at_work.union(lately))
