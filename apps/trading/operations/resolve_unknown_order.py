"""Find out what became of an order whose sending has an unknown outcome. It is looked up, never sent again."""

from uuid import UUID

from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.errors import RetryableFailure
from apps.trading.domain.lost_orders import proven_absent, wait_before_next_look
from apps.trading.domain.order_lifecycle import OrderState
from apps.trading.models import Order, UnknownLookup
from apps.trading.operations.change_order_state import change_order_state
from apps.trading.operations.collect_fills import collect_fills
from apps.trading.operations.lock_order import lock_order
from apps.trading.operations.record_venue_report import EXECUTOR, record_venue_report
from apps.trading.ports import Venue


def resolve_unknown_order(*, order_id: UUID, venue: Venue, moment: Moment) -> bool:
    """Look an UNKNOWN order up once; True when its fate is known now.

    A found order gets its real state. NOT_PLACED needs consistent negative answers over the request's life; a look-up
    that fails is no evidence and changes nothing.
    """
    order = Order.objects.filter(pk=order_id, state=OrderState.UNKNOWN, account_id=venue.account).first()
    if order is None:
        return False
    try:
        report = venue.find(client_order_id=order.client_order_id, symbol=order.symbol)
    except RetryableFailure:
        return False
    if report is None:
        return _count_negative_answer(order, venue, moment)
    collect_fills(venue=venue, moment=moment)
    record_venue_report(order_id=order.pk, report=report, moment=moment)
    return True


@transaction.atomic
def _count_negative_answer(order: Order, venue: Venue, moment: Moment) -> bool:
    lock_order(order.pk)
    lookup, _ = UnknownLookup.objects.select_for_update().get_or_create(
        pk=order.pk, defaults={"next_look_wall": moment.wall}
    )
    lookup.negative_answers += 1
    lookup.first_negative_wall = lookup.first_negative_wall or moment.wall
    lookup.last_negative_wall = moment.wall
    lookup.next_look_wall = moment.wall + wait_before_next_look(lookup.negative_answers)
    lookup.save()
    assert order.submitted_wall is not None
    absent = proven_absent(
        submitted=order.submitted_wall,
        first_negative=lookup.first_negative_wall,
        last_negative=lookup.last_negative_wall,
        negative_answers=lookup.negative_answers,
        answers_needed=venue.negative_answers,
        request_life=venue.request_life,
    )
    if not absent:
        return False
    note = f"{venue.account} answered {lookup.negative_answers} times that it has no such order."
    change_order_state(
        order_id=order.pk,
        before={OrderState.UNKNOWN},
        after=OrderState.NOT_PLACED,
        actor=EXECUTOR,
        note=note,
        moment=moment,
    )
    return True
