"""Compare the orders at work with what their venue says of them: the safety net under streams and lost answers."""

from datetime import timedelta

from apps.foundation.clock import Moment
from apps.foundation.errors import RetryableFailure
from apps.trading.models import Order
from apps.trading.operations.execution.note_bad_answer import note_bad_answer
from apps.trading.operations.execution.record_venue_report import WORKING
from apps.trading.operations.execution.take_turn import take_turn
from apps.trading.operations.execution.take_venue_report import take_venue_report
from apps.trading.ports import Venue, VenueReport

YOUNG = timedelta(seconds=1)  # what moved within this time is left to whoever moved it
EVERY = timedelta(seconds=2.5)
LOOKUPS = 20  # single questions a pass; the rest waits for the next one


def poll_open_orders_in_turn(*, venue: Venue, moment: Moment) -> int:
    """``poll_open_orders``, unless another executor has done so a moment ago."""
    if not take_turn(account=venue.account, turn="polled_wall", every=EVERY, moment=moment):
        return 0
    return poll_open_orders(venue=venue, moment=moment)


def poll_open_orders(*, venue: Venue, moment: Moment) -> int:
    """One pass over an account's orders at work; how many the venue had news of. Raises ``RetryableFailure``.

    One list of what is open there, then one question each for those that are missing in it. An order that the venue
    knows nothing of is left as it is: silence is no evidence, and the reconciliation looks for it.
    """
    mine = Order.objects.filter(account_id=venue.account, state__in=WORKING, state_wall__lte=moment.wall - YOUNG)
    orders = list(mine.order_by("state_wall", "pk"))
    if not orders:
        return 0
    listed = venue.open_orders()
    by_client = {report.client_order_id: report for report in listed if report.client_order_id}
    by_venue = {(report.symbol, report.venue_order_id): report for report in listed}
    changed = lookups = 0
    for order in orders:
        report = by_client.get(order.client_order_id) or by_venue.get((order.symbol, order.venue_order_id or ""))
        if report is None and lookups < LOOKUPS:
            lookups += 1
            report = _asked(order, venue, moment)
        if report is not None and _is_news(order, report):
            take_venue_report(order=order, report=report, venue=venue, moment=moment)
            changed += 1
    return changed


def _is_news(order: Order, report: VenueReport) -> bool:
    at_work = report.state in {"OPEN", "PARTIALLY_FILLED"}
    return not at_work or order.venue_order_id is None or report.filled_quantity != order.filled_quantity


def _asked(order: Order, venue: Venue, moment: Moment) -> VenueReport | None:
    """One failed question holds up no other."""
    try:
        return venue.find(
            client_order_id=order.client_order_id, symbol=order.symbol, venue_order_id=order.venue_order_id
        )
    except RetryableFailure as failure:
        note_bad_answer(account=venue.account, symbol=order.symbol, failure=failure, moment=moment)
        return None
