"""Judge a wish to trade and store it with its verdicts: approved with reserved funds, or denied with reasons."""

from datetime import UTC
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.foundation import after_commit
from apps.foundation.clock import Moment
from apps.trading.domain.book import Book
from apps.trading.domain.gate_facts import GateFacts
from apps.trading.domain.order_intent import OrderIntent, check_intent
from apps.trading.domain.order_lifecycle import OrderState
from apps.trading.domain.order_pricing import priced
from apps.trading.domain.risk_gate import judge
from apps.trading.models import Order
from apps.trading.operations.lock_book import lock_book, require_tradable
from apps.trading.operations.read_market import MarketReading, read_market, with_marks_of
from apps.trading.operations.write_intent import write_intent
from apps.trading.queries.order_views import newborn_view, order_view


def propose_order(*, intent: OrderIntent, moment: Moment) -> dict[str, Any]:
    """The order's view. A denial is an answer (state DENIED), stored like an approval.

    The same ``intent.order_id`` again answers the order that exists. Raises ``Refused`` naming the field for what can't
    be understood and ``NotFound`` for an unknown instrument; then nothing is stored.
    """
    check_intent(intent)
    reading = read_market(symbol=intent.symbol, moment=moment)
    with transaction.atomic():
        book = lock_book(
            account=intent.account,
            symbol=intent.symbol,
            base=reading.rules.base,
            quote=reading.rules.quote,
            moment=moment,
            order_id=intent.order_id,
        )
        if book.order_exists and intent.order_id is not None:
            return order_view(intent.order_id)
        order = place(intent=intent, reading=reading, book=book, moment=moment)
    return newborn_view(order)


def place(*, intent: OrderIntent, reading: MarketReading, book: Book, moment: Moment) -> Order:
    """Judge and store under the lock that ``book`` was read with; an approved order wakes the executor at commit.

    Raises ``Refused`` where nothing is traded on the account at present.
    """
    require_tradable(book)
    reading = with_marks_of(reading, (holding.symbol for holding in book.holdings), moment)
    facts = gate_facts(intent=intent, reading=reading, book=book, moment=moment)
    order = write_intent(book=book, intent=intent, facts=facts, decision=judge(facts), moment=moment)
    if order.state == OrderState.APPROVED:
        send_soon(order.pk)
    return order


def gate_facts(*, intent: OrderIntent, reading: MarketReading, book: Book, moment: Moment) -> GateFacts:
    """Everything the gate looks at for this intent."""
    order = priced(
        intent,
        base=reading.rules.base,
        quote=reading.rules.quote,
        step=reading.rules.step_size,
        mark=reading.mark.price,
        collar_bps=book.limits.price_collar_bps,
        fee_bps=reading.fee_bps,
    )
    return GateFacts(
        order=order,
        market=reading.facts(),
        book=book.facts_for(side=intent.side, prices=reading.prices, today=moment.firm.astimezone(UTC).date()),
        limits=book.limits,
        limits_version=book.limits_version,
        firm=moment.firm,
    )


def send_soon(order_id: UUID) -> None:
    """Ask the executor to send an order at commit; without the message its sweep finds it."""
    after_commit.enqueue("workers.execution.submit_order", queue="execution", expires=30, order_id=str(order_id))
