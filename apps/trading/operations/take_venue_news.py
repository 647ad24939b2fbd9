"""Take in what a venue's stream told since the last look. What it left out, the polls find."""

from apps.foundation.clock import Moment
from apps.foundation.errors import RetryableFailure
from apps.trading.models import Order
from apps.trading.operations.note_bad_answer import note_bad_news
from apps.trading.operations.record_venue_report import record_venue_report
from apps.trading.operations.take_fill import take_fill
from apps.trading.ports import StreamingVenue


def take_venue_news(*, venue: StreamingVenue, moment: Moment) -> int:
    """Post new trades, then record states; how many pieces of news there were. Repeated and shuffled ones do no harm.

    A report that speaks of trades which are not in the books ends nothing; the open-order poll asks for them.
    """
    venue.start_stream()
    news = venue.take_news()
    for fill in news.fills:
        try:
            take_fill(fill=fill, venue=venue, moment=moment)
        except RetryableFailure:  # whose trade it is can't be told now; the polls bring it again
            continue
    ids = {report.client_order_id for report in news.reports if report.client_order_id}
    known = Order.objects.filter(account_id=venue.account, client_order_id__in=ids, submitted_wall__isnull=False)
    orders = dict(known.values_list("client_order_id", "pk"))
    for report in news.reports:
        if report.client_order_id in orders:
            record_venue_report(order_id=orders[report.client_order_id], report=report, moment=moment)
    note_bad_news(account=venue.account, bad=news.bad, moment=moment)
    return len(news.fills) + len(news.reports)
