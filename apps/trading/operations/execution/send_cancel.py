"""Send a cancellation that the books already wish for, and record what the venue answers."""

from uuid import UUID

import structlog

from apps.foundation.clock import Moment
from apps.foundation.errors import OutcomeUnknown
from apps.foundation.lease_memory import Term
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.models import Order
from apps.trading.operations.execution.note_bad_answer import note_bad_answer
from apps.trading.operations.execution.take_venue_report import take_venue_report
from apps.trading.ports import Venue, VenueRefused

log = structlog.get_logger(__name__)


def send_cancel(*, order_id: UUID, venue: Venue, term: Term, moment: Moment) -> bool:
    """Cancel a PENDING_CANCEL order at its venue; False when there is nothing to cancel (any more) or ``term`` is over.

    A cancellation is harmless to repeat. One that is refused or has an unknown outcome leaves PENDING_CANCEL standing
    for the next sweep: an order is never called canceled without the venue's word.
    """
    order = Order.objects.filter(pk=order_id, state=OrderState.PENDING_CANCEL, account_id=venue.account).first()
    if order is None or not term.leads():
        return False
    try:
        report = venue.cancel(
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            venue_order_id=order.venue_order_id,
            moment=moment,
        )
    except VenueRefused as refusal:
        log.warning("cancel_refused", account=venue.account, order=str(order_id), code=refusal.code)
        return False
    except OutcomeUnknown as failure:
        note_bad_answer(account=venue.account, symbol=order.symbol, failure=failure, moment=moment)
        return False
    take_venue_report(order=order, report=report, venue=venue, moment=moment)
    return True
