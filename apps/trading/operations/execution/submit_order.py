"""Send an approved order once: the intent is committed before a byte leaves, the answer is a second transaction."""

from datetime import timedelta
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction

from apps.foundation.clock import Moment
from apps.foundation.correlation import bind
from apps.foundation.errors import OutcomeUnknown, RetryableFailure
from apps.foundation.lease_memory import Term
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.risk.trading_state import permits
from apps.trading.models import Order
from apps.trading.models.order_triggers import is_lease_lost
from apps.trading.operations.execution.note_bad_answer import note_bad_answer
from apps.trading.operations.execution.order_as_sent import as_sent, sendable_at, watched_there
from apps.trading.operations.execution.record_venue_report import EXECUTOR, record_refusal
from apps.trading.operations.execution.take_venue_report import take_venue_report
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.orders.lock_order import lock_order
from apps.trading.ports import Venue, VenueOrderExists, VenueRefused, VenueReport
from apps.trading.queries.send_permission import SendPermission, send_permission

log = structlog.get_logger(__name__)
WAITS_AT_MOST = timedelta(seconds=30)  # for the account's first comparison: a price grows old


def submit_order(*, order_id: UUID, venue: Venue, term: Term, moment: Moment) -> bool:
    """Claim the order under ``term`` and send it; False when somebody else has it or it may not be sent (any more).

    Whoever loses the claim sends nothing, so a redelivered task or a second worker can't send twice. The database
    refuses a claim under any term but the lease's, and one that ends soon; the order stays as it is. A failure after
    the claim leaves SUBMITTING behind, which the sweep turns into UNKNOWN and looks up: nothing is ever sent again.
    """
    try:
        order = _claim(order_id, venue, term, moment) if term.lives() else None
    except DatabaseError as error:
        if not is_lease_lost(error):
            raise
        log.warning("claim_refused", order=str(order_id), epoch=term.epoch, reason=str(error).partition("\n")[0])
        order = None
    if order is None:
        return False
    with bind(correlation_id=order.correlation_id or None, order_id=order.pk):
        try:
            report: VenueReport | None = venue.submit(
                order=as_sent(order, venue.capabilities, moment.wall + venue.request_life, term), moment=moment
            )
        except VenueOrderExists as there:
            report = _found_there(order, venue, there, moment)
        except VenueRefused as refusal:
            record_refusal(order=order, code=refusal.code, detail=refusal.message, moment=moment)
            return True
        except OutcomeUnknown as failure:
            call_unknown(order_id=order.pk, note=failure.message, moment=moment)
            note_bad_answer(
                account=venue.account, symbol=order.symbol, failure=failure, moment=moment, order_id=order.pk
            )
            return True
        if report is not None:
            take_venue_report(order=order, report=report, venue=venue, moment=moment)
    return True


def call_unknown(*, order_id: UUID, note: str, moment: Moment) -> bool:
    """Record that the order was sent, or may have been, and nobody knows what became of it. Its funds stay reserved."""
    moved = change_order_state(
        order_id=order_id,
        before={OrderState.SUBMITTING},
        after=OrderState.UNKNOWN,
        actor=EXECUTOR,
        note=note,
        moment=moment,
    )
    return moved is not None


def _found_there(order: Order, venue: Venue, there: VenueOrderExists, moment: Moment) -> VenueReport | None:
    """The order that the venue says it has; UNKNOWN where it does not show it yet, and looked up again."""
    try:
        report = venue.find(client_order_id=order.client_order_id, symbol=order.symbol)
    except RetryableFailure as failure:
        note_bad_answer(account=venue.account, symbol=order.symbol, failure=failure, moment=moment, order_id=order.pk)
        report = None
    if report is None:
        call_unknown(order_id=order.pk, note=there.message, moment=moment)
    return report


def _claim(order_id: UUID, venue: Venue, term: Term, moment: Moment) -> Order | None:
    with transaction.atomic(durable=True):
        order = lock_order(order_id)
        if order is None or not _sendable(order, venue):
            return None
        permission = send_permission(account=order.account_id, symbol=order.symbol)
        if not _still_permitted(order, permission, moment) or _held_up(order, permission, moment):
            return None
        return change_order_state(
            order_id=order_id,
            before={OrderState.APPROVED, OrderState.ARMED},
            after=OrderState.SUBMITTING,
            actor=EXECUTOR,
            moment=moment,
            locked=order,
            submitted_wall=moment.wall,
            epoch=term.epoch,
        )


def _sendable(order: Order, venue: Venue) -> bool:
    """Whether this venue may be sent the locked order; of an approved one that is known without asking."""
    if order.account_id != venue.account or order.cancel_wanted:
        return False
    return order.state == OrderState.APPROVED or Order.objects.filter(sendable_at(venue), pk=order.pk).exists()


def _still_permitted(order: Order, permission: SendPermission, moment: Moment) -> bool:
    """Trading may have been restricted since the gate let the order pass; then it ends here, unsent."""
    state = permission.state
    if permits(
        state, reducing=order.side == "sell", reduce_only=order.reduce_only, origin=order.origin, privileged=True
    ):
        return True
    if watched_there(order):
        return False  # it was not about to trade; it goes on waiting here
    change_order_state(
        order_id=order.pk,
        before={OrderState.APPROVED, OrderState.ARMED},
        after=OrderState.CANCELED,
        actor=EXECUTOR,
        note=f"Trading became {state} before the order was sent.",
        moment=moment,
    )
    return False


def _held_up(order: Order, permission: SendPermission, moment: Moment) -> bool:
    """New risk waits (not for long) for the account's first comparison since the start, and enters no quarantine.

    On restored books exits wait for it too, as long as it takes: the lost record may have sent them.
    """
    if order.side == "sell":
        return permission.restored and not permission.compared
    quarantine = permission.quarantine
    if permission.compared and quarantine is None:
        return False
    late = order.approved_wall is not None and moment.wall - order.approved_wall > WAITS_AT_MOST
    if watched_there(order) or (quarantine is None and not late):
        return True
    why = quarantine or f"The account {order.account_id} was not reconciled within {WAITS_AT_MOST.seconds} s."
    change_order_state(
        order_id=order.pk,
        before={OrderState.APPROVED, OrderState.ARMED},
        after=OrderState.CANCELED,
        actor=EXECUTOR,
        note=f"Not sent: {why}",
        moment=moment,
    )
    return True
