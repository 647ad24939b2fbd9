"""Take in what a venue's stream told since the last look. What it left out, the polls find."""

from collections.abc import Sequence

from apps.foundation.clock import Moment
from apps.foundation.errors import RetryableFailure
from apps.trading.models import Order
from apps.trading.operations.books.take_fill import posted_trades, take_fill
from apps.trading.operations.execution.note_bad_answer import note_bad_news
from apps.trading.operations.execution.record_venue_report import record_venue_report, says_news
from apps.trading.ports import StreamingVenue, VenueFill

_LOOKED_AT = ("pk", "client_order_id", "state", "venue_order_id", "cancel_wanted")


def take_venue_news(*, venue: StreamingVenue, moment: Moment) -> int:
    """Post new trades, then record states; how many pieces of news there were. Repeated and shuffled ones do no harm.

    A report that speaks of trades which are not in the books ends nothing; the open-order poll asks for them.
    """
    venue.start_stream()
    news = venue.take_news()
    _take_trades(news.fills, venue, moment)
    ids = {report.client_order_id for report in news.reports if report.client_order_id}
    known = Order.objects.filter(account_id=venue.account, client_order_id__in=ids, submitted_wall__isnull=False)
    orders = {order.client_order_id: order for order in known.only(*_LOOKED_AT)} if ids else {}
    for report in news.reports:
        order = orders.get(report.client_order_id)
        if order is not None and says_news(order, report):
            record_venue_report(order_id=order.pk, report=report, moment=moment)
    note_bad_news(account=venue.account, bad=news.bad, moment=moment)
    return len(news.fills) + len(news.reports)


def _take_trades(fills: Sequence[VenueFill], venue: StreamingVenue, moment: Moment) -> None:
    posted = posted_trades(venue.account, [fill.venue_trade_id for fill in fills])
    for fill in fills:
        if fill.venue_trade_id in posted:
            continue
        try:
            take_fill(fill=fill, venue=venue, moment=moment)
        except RetryableFailure:  # whose trade it is can't be told now; the polls bring it again
            continue
