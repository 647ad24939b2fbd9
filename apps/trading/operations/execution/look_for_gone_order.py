"""An order at work in our books that the venue does not list: ask for it by name, and believe only repeated answers."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.foundation.clock import Moment
from apps.foundation.money import plain
from apps.trading.domain.orders.lost_orders import proven_absent, wait_before_next_look
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.venues.break_kinds import BreakKind
from apps.trading.models import Order, UnknownLookup
from apps.trading.operations.execution.record_venue_report import WORKING
from apps.trading.operations.execution.take_venue_report import take_venue_report
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.orders.lock_order import lock_order
from apps.trading.operations.reconciliation.record_break import RECONCILER, Finding, heal_breaks, keep_break
from apps.trading.ports import Venue

ANSWERS = 3  # an accepted order needs more to be given up than one that may never have arrived
SPREAD_OVER = timedelta(seconds=60)


def look_for_gone_order(*, order_id: UUID, venue: Venue, moment: Moment) -> None:
    """Take the venue's word where it has one. Raises ``RetryableFailure``, which is no evidence of anything.

    An order it knows nothing of, in several answers over a minute, is ended as CANCELED, on that proof; until then its
    funds stay reserved. Its trades come in even later.
    """
    order = Order.objects.filter(pk=order_id, state__in=WORKING).first()
    if order is None:
        return
    report = venue.find(client_order_id=order.client_order_id, symbol=order.symbol, venue_order_id=order.venue_order_id)
    if report is not None:
        take_venue_report(order=order, report=report, venue=venue, moment=moment)
        UnknownLookup.objects.filter(pk=order.pk).delete()
        heal_breaks_of(order, "The venue knows the order again.", moment)
        return
    _count(order, venue, moment)


@transaction.atomic
def heal_breaks_of(order: Order, healing: str, moment: Moment) -> None:
    heal_breaks(breaks=Q(cause=_cause(order), account_id=order.account_id), healing=healing, moment=moment)


@transaction.atomic
def _count(order: Order, venue: Venue, moment: Moment) -> None:
    if lock_order(order.pk) is None:
        return
    lookup, _ = UnknownLookup.objects.select_for_update().get_or_create(
        pk=order.pk, defaults={"next_look_wall": moment.wall}
    )
    lookup.negative_answers += 1
    lookup.first_negative_wall = lookup.first_negative_wall or moment.wall
    lookup.last_negative_wall = moment.wall
    lookup.next_look_wall = moment.wall + wait_before_next_look(lookup.negative_answers)
    lookup.save()
    assert order.submitted_wall is not None
    gone = proven_absent(
        submitted=order.submitted_wall,
        first_negative=lookup.first_negative_wall,
        last_negative=moment.wall,
        negative_answers=lookup.negative_answers,
        answers_needed=max(ANSWERS, venue.negative_answers),
        request_life=max(SPREAD_OVER, venue.request_life),
    )
    note = f"{venue.account} answered {lookup.negative_answers} times that it has no such order."
    if gone:
        change_order_state(
            order_id=order.pk,
            before=WORKING,
            after=OrderState.CANCELED,
            actor=RECONCILER,
            note=note,
            moment=moment,
        )
    keep_break(_finding(order, note, moment, gone=gone), moment=moment)


def _finding(order: Order, note: str, moment: Moment, *, gone: bool) -> Finding:
    words = f"{order.side} {plain(order.quantity)} {order.symbol}"
    waiting = "Its funds stay reserved, and it is asked for again."
    return Finding(
        account=order.account_id,
        kind=BreakKind.ORDER_GONE,
        cause=_cause(order),
        detail=f"The order to {words} is {order.state} in our books. {note}",
        symbol=order.symbol,
        order_id=order.pk,
        facts={
            "order": {
                "client_order_id": order.client_order_id,
                "venue_order_id": order.venue_order_id,
                "symbol": order.symbol,
                "filled_quantity": plain(order.filled_quantity),
            },
            "asked_at": moment.wall.isoformat(),
        },
        healing=f"{note} It was ended as CANCELED on that proof." if gone else waiting,
        healed=gone,
    )


def _cause(order: Order) -> str:
    return f"gone:{order.pk}"
