"""Find what a lost message, a dead worker or a silent venue left behind, by its state alone, and move it on."""

import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.foundation.clock import Moment
from apps.foundation.errors import RetryableFailure
from apps.foundation.lease_memory import Term
from apps.trading.domain.orders.order_lifecycle import TERMINAL, OrderState
from apps.trading.models import Order
from apps.trading.operations.execution.note_bad_answer import heal_answered
from apps.trading.operations.execution.order_as_sent import sendable_at
from apps.trading.operations.execution.record_venue_report import KEPT_WISH, ask_to_cancel
from apps.trading.operations.execution.resolve_unknown_order import resolve_unknown_order
from apps.trading.operations.execution.send_cancel import send_cancel
from apps.trading.operations.execution.submit_order import call_unknown, submit_order
from apps.trading.operations.orders.judge_replacement import judge_replacement
from apps.trading.ports import Venue

FORGOTTEN_AFTER = timedelta(seconds=2)
CANCEL_AGAIN_AFTER = timedelta(seconds=2)
BATCH = 50
LONGEST_PASS = 2.0  # seconds of asking a venue with one moment


def sweep_orders(*, venue: Venue, term: Term, moment: Moment) -> int:
    """One pass over the venue's orders that should have moved on; how many did.

    Oldest first and in batches. Each step is the same guarded operation that a task would have called, so a sweep
    beside a late task does nothing twice. A failed read ends the pass of its kind: the next pass tries again.
    """
    orders = Order.objects.filter(account_id=venue.account)
    return (
        _send_forgotten(orders, venue, term, moment)
        + _give_up_on_silent(orders, venue, moment)
        + _look_up_unknown(orders, venue, moment)
        + heal_answered(account=venue.account, moment=moment)
        + _judge_replacements(orders, moment)
        + _send_kept_wishes(orders, moment)
        + _cancel_again(orders, venue, term, moment)
    )


def _send_forgotten(orders: QuerySet[Order], venue: Venue, term: Term, moment: Moment) -> int:
    # A triggered stop carries the firm time of its trigger only; it is claimed at once, the claim itself is guarded.
    old = Q(state=OrderState.APPROVED, approved_wall__lte=moment.wall - FORGOTTEN_AFTER) | Q(state=OrderState.ARMED)
    waiting = orders.filter(sendable_at(venue)).filter(old).order_by("approved_wall", "pk")
    return sum(submit_order(order_id=pk, venue=venue, term=term, moment=moment) for pk in _in_time(waiting))


def _give_up_on_silent(orders: QuerySet[Order], venue: Venue, moment: Moment) -> int:
    silent = orders.filter(state=OrderState.SUBMITTING, submitted_wall__lte=moment.wall - venue.request_life)
    note = "No outcome was recorded within the life of the request."
    return sum(
        call_unknown(order_id=pk, note=note, moment=moment) for pk in _ids(silent.order_by("submitted_wall", "pk"))
    )


def _look_up_unknown(orders: QuerySet[Order], venue: Venue, moment: Moment) -> int:
    due = Q(lookup__isnull=True) | Q(lookup__next_look_wall__lte=moment.wall)
    unknown = orders.filter(due, state=OrderState.UNKNOWN).order_by("submitted_wall", "pk")
    return sum(resolve_unknown_order(order_id=pk, venue=venue, moment=moment) for pk in _in_time(unknown))


def _judge_replacements(orders: QuerySet[Order], moment: Moment) -> int:
    waiting = orders.filter(state=OrderState.PROPOSED, replaces__state__in=TERMINAL).order_by("proposed_wall", "pk")
    return sum(judge_replacement(order_id=pk, moment=moment) for pk in _ids(waiting))


def _send_kept_wishes(orders: QuerySet[Order], moment: Moment) -> int:
    wished = orders.filter(cancel_wanted=True, state__in=[OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED])
    return sum(ask_to_cancel(order_id=pk, note=KEPT_WISH, moment=moment) for pk in _ids(wished.order_by("pk")))


def _cancel_again(orders: QuerySet[Order], venue: Venue, term: Term, moment: Moment) -> int:
    standing = orders.filter(state=OrderState.PENDING_CANCEL, state_wall__lte=moment.wall - CANCEL_AGAIN_AFTER)
    sent = 0
    for pk in _in_time(standing.order_by("state_wall", "pk")):
        try:
            sent += send_cancel(order_id=pk, venue=venue, term=term, moment=moment)
        except RetryableFailure:
            break
    return sent


def _in_time(orders: QuerySet[Order]) -> Iterator[UUID]:
    """The ids, while the pass is short: a venue that answers slowly holds up nothing else.

    A request lives from its moment on, and the next pass has a new one.
    """
    began = time.monotonic()
    for pk in _ids(orders):
        yield pk
        if time.monotonic() - began > LONGEST_PASS:
            return


def _ids(orders: QuerySet[Order]) -> list[UUID]:
    return list(orders.values_list("pk", flat=True)[:BATCH])
