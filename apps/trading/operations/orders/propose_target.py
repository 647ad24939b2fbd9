"""Move a position to the consensus' target: size it, let the gate judge it, or say why nothing is traded."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.identifiers import derived_id
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.orders.position_sizing import NoTrade, TargetExposure, size_target
from apps.trading.domain.orders.target_order import sizing_facts, target_intent
from apps.trading.models import Order
from apps.trading.operations.books.lock_book import lock_book
from apps.trading.operations.orders.place_order import place
from apps.trading.operations.orders.read_market import read_market, with_marks_of
from apps.trading.queries.order_views import newborn_view, order_view


@dataclass(frozen=True, slots=True)
class TargetOutcome:
    """ORDER, DENIED or NO_TRADE, with the code and sentence of why and the numbers the size followed from; ``order`` is
    its view.
    """

    outcome: str
    order_id: UUID | None
    code: str
    reason: str
    sizing: dict[str, Any]
    order: dict[str, Any] | None = None


def propose_target(*, target: TargetExposure, moment: Moment) -> TargetOutcome:
    """The outcome; a decision that was proposed before answers its first order again.

    Raises ``NotFound`` for an unknown instrument and ``ValueError`` for a fraction outside [0, 1].
    """
    order_id = None if target.decision_id is None else derived_id("target", target.decision_id, target.symbol)
    reading = read_market(symbol=target.symbol, moment=moment)
    with transaction.atomic():
        book = lock_book(
            rules=reading.rules,
            moment=moment,
            order_id=order_id,
            agent_id=target.agent_id,
        )
        if order_id is not None and book.order_exists:
            known = Order.objects.get(pk=order_id)
            return _outcome_of(known, {}, order_view(known.pk))
        if book.account_refusal is not None:
            return TargetOutcome("NO_TRADE", None, *book.account_refusal, {})
        reading = with_marks_of(reading, (holding.symbol for holding in book.holdings), moment)
        sized = size_target(
            target=target, facts=sizing_facts(sight=reading, book=book, firm=moment.firm), step=reading.rules.step_size
        )
        if isinstance(sized, NoTrade):
            return TargetOutcome("NO_TRADE", None, sized.code, sized.reason, sized.sizing)
        order = place(intent=target_intent(target, sized, order_id), reading=reading, book=book, moment=moment)
        return _outcome_of(order, sized.sizing, newborn_view(order))


def _outcome_of(order: Order, sizing: dict[str, Any], view: dict[str, Any]) -> TargetOutcome:
    if order.state == OrderState.DENIED:
        return TargetOutcome("DENIED", order.pk, order.reject_code, order.reject_detail, sizing, view)
    return TargetOutcome("ORDER", order.pk, "ordered", order.state_note, sizing, view)
