"""Judge an intent under the lock of its book and store it: the step that every new order of ours goes through."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from apps.foundation import after_commit
from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.orders.order_types import TRIGGERED_TYPES
from apps.trading.domain.risk.book import Book
from apps.trading.domain.risk.loss_limits import LossStanding
from apps.trading.domain.risk.risk_gate import judge
from apps.trading.domain.stops.stop_triggers import Trail
from apps.trading.models import Order
from apps.trading.operations.books.lock_book import require_tradable
from apps.trading.operations.orders.gather_facts import gather_facts
from apps.trading.operations.orders.read_market import MarketReading
from apps.trading.operations.orders.write_intent import write_intent
from apps.trading.operations.risk.latch_losses import latch_reached_limits


def place(*, intent: OrderIntent, reading: MarketReading, book: Book, moment: Moment) -> Order:
    """Judge and store under the lock that ``book`` was read with; an approved order wakes the executor at commit.

    Raises ``Refused`` where nothing is traded on the account at present, for a good-till date that has passed, and in
    research.
    """
    if settings.HQ_ROLE == "research":
        raise Refused("A research instance sends no orders: ask the firm that trades.", code="research_sends_nothing")
    require_tradable(book)
    check_date(intent, moment)
    intent = with_first_trail(intent, mark=reading.mark.price, tick=reading.rules.tick_size)
    facts = gather_facts(intent=intent, reading=reading, book=book, moment=moment)
    order = write_intent(book=book, intent=intent, facts=facts, decision=judge(facts), moment=moment)
    # A loss limit that was crossed is latched before anybody else is judged; the audit heads are taken in this order.
    latch_reached_limits(standing=LossStanding.of(facts), account=book.account, limits=facts.limits, moment=moment)
    if order.state == OrderState.APPROVED or order.type in TRIGGERED_TYPES:
        send_soon(order.pk)  # an armed one is sent at once where the venue watches the trigger itself
    return order


def check_date(intent: OrderIntent, moment: Moment) -> None:
    """Raise ``Refused`` (``in_the_past``) for a good-till date that the firm's clock has passed."""
    if intent.expires_firm is not None and intent.expires_firm <= moment.firm:
        raise Refused(
            f"expires_at must lie after the firm's time {moment.firm:%Y-%m-%d %H:%M:%S} UTC, was "
            f"{intent.expires_firm:%Y-%m-%d %H:%M:%S}.",
            code="in_the_past",
            field="expires_at",
        )


def with_first_trail(intent: OrderIntent, *, mark: Decimal | None, tick: Decimal) -> OrderIntent:
    """A trailing stop begins behind the mark; without one it begins with the first price that is seen."""
    if intent.type != "trailing_stop" or mark is None or intent.stop_price is not None:
        return intent
    best = max if intent.side == "sell" else min
    extreme = mark if intent.trail_extreme is None else best(mark, intent.trail_extreme)
    rule = Trail(side=intent.side, percent=intent.trail_pct, amount=intent.trail_amount, tick=tick, extreme=extreme)
    return replace(intent, stop_price=rule.stop_at(extreme), trail_extreme=extreme)


def send_soon(order_id: UUID) -> None:
    """Ask the executor to send an order at commit; without the message its sweep finds it."""
    after_commit.enqueue("workers.execution.submit_order", queue="execution", expires=30, order_id=str(order_id))
