"""Judge a wish to trade and store it with its verdicts: approved with reserved funds, or denied with reasons."""

from typing import Any

from django.db import transaction

from apps.foundation.clock import Moment
from apps.trading.domain.orders.order_intent import OrderIntent, check_intent
from apps.trading.domain.orders.order_types import GROUP_TYPES
from apps.trading.operations.books.lock_book import lock_book
from apps.trading.operations.orders.place_group import place_group
from apps.trading.operations.orders.place_order import place
from apps.trading.operations.orders.read_market import read_market, remember_market
from apps.trading.queries.order_views import newborn_view, order_view


def propose_order(*, intent: OrderIntent, moment: Moment) -> dict[str, Any]:
    """The order's view; of an OCO or bracket the first order's. A denial is an answer (state DENIED), stored too.

    The same ``intent.order_id`` again answers the order that exists. Raises ``Refused`` naming the field for what can't
    be understood and ``NotFound`` for an unknown instrument; then nothing is stored.
    """
    check_intent(intent)
    reading = remember_market(symbol=intent.symbol, moment=moment, account=intent.account)
    with transaction.atomic():
        book = lock_book(
            account=intent.account,
            rules=reading.rules,
            moment=moment,
            order_id=intent.order_id,
            agent_id=intent.agent_id,
        )
        if book.order_exists and intent.order_id is not None:
            return order_view(intent.order_id)
        if reading.key is None or reading.key != book.market_key:  # a bar was released, or somebody paused it
            reading = read_market(symbol=intent.symbol, moment=moment, account=intent.account)
        if intent.type in GROUP_TYPES:
            return order_view(place_group(intent=intent, reading=reading, book=book, moment=moment).pk)
        order = place(intent=intent, reading=reading, book=book, moment=moment)
    return newborn_view(order)
