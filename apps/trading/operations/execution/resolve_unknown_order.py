"""Find out what became of an order whose sending has an unknown outcome. It is looked up, never sent again."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.errors import RetryableFailure
from apps.trading.domain.orders.lost_orders import proven_absent, soonest_proof, wait_before_next_look
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.models import Order, UnknownLookup
from apps.trading.operations.execution.note_bad_answer import heal_bad_answers, note_bad_answer
from apps.trading.operations.execution.record_venue_report import EXECUTOR
from apps.trading.operations.execution.take_venue_report import take_venue_report
from apps.trading.operations.orders.change_order_state import change_order_state
from apps.trading.operations.orders.lock_order import lock_order
from apps.trading.operations.protection.cover_position import cover_after_end
from apps.trading.ports import Venue, VenueReport

BEFORE = timedelta(minutes=1)  # how far before the sending the venue's lists are read, for clocks that differ


def resolve_unknown_order(*, order_id: UUID, venue: Venue, moment: Moment) -> bool:
    """Look an UNKNOWN order up once; True when its fate is known now.

    A found order gets its real state. NOT_PLACED needs consistent negative answers of a venue that answers a control
    query, over the request's life and the lag of its book, and its lists of open and ended orders without it. A look-up
    that fails is no evidence and changes nothing.
    """
    order = Order.objects.filter(pk=order_id, state=OrderState.UNKNOWN, account_id=venue.account).first()
    if order is None:
        return False
    try:
        report = venue.find(
            client_order_id=order.client_order_id, symbol=order.symbol, venue_order_id=order.venue_order_id
        )
        if report is None:
            venue.healthy()
            if not _count_negative_answer(order, venue, moment):
                return False
            report = _listed(order, venue)
    except RetryableFailure as failure:
        note_bad_answer(account=venue.account, symbol=order.symbol, failure=failure, moment=moment, order_id=order.pk)
        return False
    if report is None:
        concluded = _conclude_not_placed(order, venue, moment)
    else:
        take_venue_report(order=order, report=report, venue=venue, moment=moment)
        concluded = True
    if concluded:
        heal_bad_answers(order_id=order.pk, moment=moment)
    return concluded


def _listed(order: Order, venue: Venue) -> VenueReport | None:
    """The order in the venue's lists, which may be ahead of its look-up by id."""
    assert order.submitted_wall is not None
    ended = venue.closed_orders(symbols=[order.symbol], since=order.submitted_wall - BEFORE)
    mine = (each for each in [*venue.open_orders(), *ended] if each.client_order_id == order.client_order_id)
    return next(mine, None)


@transaction.atomic
def _count_negative_answer(order: Order, venue: Venue, moment: Moment) -> bool:
    """Keep one more negative answer; whether they are enough now."""
    lock_order(order.pk)
    lookup, _ = UnknownLookup.objects.select_for_update().get_or_create(
        pk=order.pk, defaults={"next_look_wall": moment.wall}
    )
    assert order.submitted_wall is not None
    lookup.negative_answers += 1
    lookup.first_negative_wall = lookup.first_negative_wall or moment.wall
    lookup.last_negative_wall = moment.wall
    span: dict[str, Any] = {
        "submitted": order.submitted_wall,
        "first_negative": lookup.first_negative_wall,
        "request_life": venue.request_life,
        "visibility_lag": venue.visibility_lag,
    }
    wait = moment.wall + wait_before_next_look(lookup.negative_answers)
    proof = soonest_proof(**span)
    lookup.next_look_wall = min(wait, proof) if proof > moment.wall else wait
    lookup.save()
    return proven_absent(
        **span,
        last_negative=moment.wall,
        negative_answers=lookup.negative_answers,
        answers_needed=venue.negative_answers,
    )


@transaction.atomic
def _conclude_not_placed(order: Order, venue: Venue, moment: Moment) -> bool:
    count = UnknownLookup.objects.values_list("negative_answers", flat=True).get(pk=order.pk)
    moved = change_order_state(
        order_id=order.pk,
        before={OrderState.UNKNOWN},
        after=OrderState.NOT_PLACED,
        actor=EXECUTOR,
        note=f"{venue.account} answered {count} times that it has no such order, and lists none.",
        moment=moment,
    )
    if moved is not None:
        cover_after_end(order=order, moment=moment)
    return moved is not None
