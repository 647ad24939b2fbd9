"""Take in all that an answer about an order tells: acceptance, its trades, then its end."""

from decimal import Decimal

import structlog

from apps.foundation.clock import Moment
from apps.foundation.errors import RetryableFailure
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.models import Order
from apps.trading.operations.books.take_fill import take_fills
from apps.trading.operations.execution.note_bad_answer import note_bad_answer
from apps.trading.operations.execution.record_venue_report import record_venue_report
from apps.trading.ports import Venue, VenueReport

log = structlog.get_logger(__name__)


def take_venue_report(*, order: Order, report: VenueReport, venue: Venue, moment: Moment) -> None:
    """Bring the order up to what the venue says. Trades that the answer only counts are asked for by the order's id.

    When they can't be had now the order stays at work here, and the next look at it asks again.
    """
    filled = record_venue_report(order_id=order.pk, report=report, moment=moment)
    if filled >= report.filled_quantity:
        return
    take_fills(fills=report.fills, venue=venue, moment=moment)
    filled, state = _standing(order)
    if filled < report.filled_quantity:
        _ask_for_trades(order, report, venue, moment)
        filled, state = _standing(order)
    if state != OrderState.FILLED:  # else its trades have ended it
        record_venue_report(order_id=order.pk, report=report, moment=moment)


def _ask_for_trades(order: Order, report: VenueReport, venue: Venue, moment: Moment) -> None:
    try:
        fills = venue.fills_of(symbol=order.symbol, venue_order_id=report.venue_order_id)
    except RetryableFailure as failure:
        log.info("trades_not_told_yet", account=venue.account, order=str(order.pk), reason=failure.message)
        note_bad_answer(account=venue.account, symbol=order.symbol, failure=failure, moment=moment)
        return
    take_fills(fills=fills, venue=venue, moment=moment)


def _standing(order: Order) -> tuple[Decimal, str]:
    """How much of it is in the books, and its state, as last committed."""
    return Order.objects.values_list("filled_quantity", "state").get(pk=order.pk)
