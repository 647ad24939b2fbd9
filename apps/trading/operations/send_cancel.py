"""Send a cancellation that the books already wish for, and record what the venue answers."""

from uuid import UUID

from apps.foundation.clock import Moment
from apps.foundation.errors import OutcomeUnknown
from apps.trading.domain.order_lifecycle import OrderState
from apps.trading.models import Order
from apps.trading.operations.collect_fills import collect_fills
from apps.trading.operations.record_venue_report import record_venue_report
from apps.trading.ports import Venue


def send_cancel(*, order_id: UUID, venue: Venue, moment: Moment) -> bool:
    """Cancel a PENDING_CANCEL order at its venue; False when there is nothing to cancel (any more).

    A cancellation is harmless to repeat. One whose outcome is unknown leaves PENDING_CANCEL standing for the next
    sweep: an order is never called canceled without the venue's word.
    """
    order = Order.objects.filter(pk=order_id, state=OrderState.PENDING_CANCEL, account_id=venue.account).first()
    if order is None:
        return False
    try:
        report = venue.cancel(
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            venue_order_id=order.venue_order_id,
            moment=moment,
        )
    except OutcomeUnknown:
        return False
    collect_fills(venue=venue, moment=moment)
    record_venue_report(order_id=order.pk, report=report, moment=moment)
    return True
