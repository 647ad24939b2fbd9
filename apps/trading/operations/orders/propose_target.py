"""Move a position to the consensus' target: size it, let the gate judge it, or say why nothing is traded."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.identifiers import derived_id
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.orders.position_sizing import NoTrade, SizedOrder, SizingFacts, TargetExposure, size_target
from apps.trading.domain.risk.book import Book
from apps.trading.models import Order
from apps.trading.operations.books.lock_book import lock_book
from apps.trading.operations.orders.place_order import place
from apps.trading.operations.orders.read_market import MarketReading, read_market, with_marks_of

ACTOR = "consensus"


@dataclass(frozen=True, slots=True)
class TargetOutcome:
    """ORDER, DENIED or NO_TRADE, with the code and sentence of why and the numbers the size followed from."""

    outcome: str
    order_id: UUID | None
    code: str
    reason: str
    sizing: dict[str, Any]


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
            return _outcome_of(Order.objects.get(pk=order_id), {})
        if book.account_refusal is not None:
            return TargetOutcome("NO_TRADE", None, *book.account_refusal, {})
        reading = with_marks_of(reading, (holding.symbol for holding in book.holdings), moment)
        sized = size_target(target=target, facts=_facts(reading, book, moment), step=reading.rules.step_size)
        if isinstance(sized, NoTrade):
            return TargetOutcome("NO_TRADE", None, sized.code, sized.reason, sized.sizing)
        order = place(intent=_intent(target, sized, order_id), reading=reading, book=book, moment=moment)
        return _outcome_of(order, sized.sizing)


def _facts(reading: MarketReading, book: Book, moment: Moment) -> SizingFacts:
    rules, limits, mark = reading.rules, book.limits, reading.mark
    equity = book.valued_at(reading.prices).equity
    closed = book.closed_firm
    return SizingFacts(
        price=None if mark.price is None else float(mark.price),
        equity=None if equity is None else float(equity),
        cash=float(book.spendable),
        # Units that other orders hold can't be sold again; the lots are whole ones.
        position_lots=int(min(book.held_quantity, book.free_units) / rules.step_size),
        step=float(rules.step_size),
        min_notional=float(rules.min_notional),
        max_position_share=float(limits.max_position_share),
        max_order_notional=float(limits.max_order_notional),
        rebalance_band=float(limits.rebalance_band),
        fee_bps=float(reading.fee_bps),
        spread_bps=None if mark.spread_bps is None else float(mark.spread_bps),
        collar_bps=float(limits.price_collar_bps),
        fee_edge_multiple=float(limits.fee_edge_multiple),
        minutes_since_close=None if closed is None else (moment.firm - closed).total_seconds() / 60.0,
        reentry_minutes=float(limits.reentry_minutes),
        order_working=book.open_on_symbol > 0,
        paused_reason=reading.paused_reason,
    )


def _intent(target: TargetExposure, sized: SizedOrder, order_id: UUID | None) -> OrderIntent:
    return OrderIntent(
        symbol=target.symbol,
        side=sized.side,
        quantity=sized.quantity,
        reduce_only=sized.reduce_only,
        reason=target.reason,
        origin="consensus",
        actor=ACTOR,
        decision_id=target.decision_id,
        agent_id=target.agent_id,
        order_id=order_id,
        expected_edge_bps=target.expected_edge_bps,
    )


def _outcome_of(order: Order, sizing: dict[str, Any]) -> TargetOutcome:
    if order.state == OrderState.DENIED:
        return TargetOutcome("DENIED", order.pk, order.reject_code, order.reject_detail, sizing)
    return TargetOutcome("ORDER", order.pk, "ordered", order.state_note, sizing)
