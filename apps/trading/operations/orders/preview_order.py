"""What the gate would say to an order now, without storing anything."""

from typing import Any

from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.money import plain
from apps.trading.domain.orders.order_intent import OrderIntent, check_intent
from apps.trading.domain.orders.order_types import GROUP_TYPES
from apps.trading.domain.risk.risk_gate import judge
from apps.trading.operations.books.lock_book import lock_book, require_tradable
from apps.trading.operations.orders.gather_facts import gather_facts
from apps.trading.operations.orders.place_group import first_order
from apps.trading.operations.orders.place_order import check_date, with_first_trail
from apps.trading.operations.orders.read_market import read_market


def preview_order(*, intent: OrderIntent, moment: Moment) -> dict[str, Any]:
    """Verdicts, quantity, value and what would be reserved; of a group its first order's. Nothing is promised by it.

    Raises what ``propose_order`` raises for what can't be understood.
    """
    check_intent(intent)
    check_date(intent, moment)
    reading = read_market(symbol=intent.symbol, moment=moment)
    with transaction.atomic():
        book = lock_book(
            account=intent.account,
            rules=reading.rules,
            moment=moment,
            agent_id=intent.agent_id,
        )
        require_tradable(book)
        if intent.type in GROUP_TYPES:
            intent = first_order(intent, reading, book)
        intent = with_first_trail(intent, mark=reading.mark.price, tick=reading.rules.tick_size)
        facts = gather_facts(intent=intent, reading=reading, book=book, moment=moment)
    decision = judge(facts)
    return {
        "allowed": decision.allowed,
        "summary": decision.summary,
        "verdicts": [verdict.as_json() for verdict in decision.verdicts],
        "account": book.account,
        "mark": plain(reading.mark.price),
        "quantity": plain(facts.order.quantity),
        "value": plain(facts.order.value),
        "reserves": plain(facts.order.needs),
        "reserves_asset": facts.order.needs_asset,
        "stop_price": plain(intent.stop_price),
    }
