"""Everything the gate looks at for an intent, in one form for new orders and for armed ones that fire."""

from decimal import Decimal

from apps.foundation.clock import Moment
from apps.foundation.money import ZERO
from apps.market import queries as market
from apps.trading.domain.books.ledger_postings import FIRM
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.risk.book import Book
from apps.trading.domain.risk.gate_facts import GateFacts, OrderFacts
from apps.trading.domain.risk.order_in_market import facts_of_order, priced_in
from apps.trading.operations.orders.read_market import MarketReading, with_marks_of
from apps.trading.queries.position_budget import position_budget


def gather_facts(
    *, intent: OrderIntent, reading: MarketReading, book: Book, moment: Moment, held_for_order: Decimal = ZERO
) -> GateFacts:
    """The facts under the lock that ``book`` was read with.

    ``held_for_order``: funds that an armed order which fires has reserved already.
    """
    reading = with_marks_of(reading, book.priced_symbols, moment)
    order = priced_in(intent, sight=reading, book=book)
    return facts_of_order(
        order,
        sight=reading,
        book=book,
        moment=moment,
        closes_of=lambda symbols, bars: market.closes_of(symbols=symbols, until=moment.firm, bars=bars),
        position_budget=_position_budget(order, book),
        held_for_order=held_for_order,
    )


def _position_budget(order: OrderFacts, book: Book) -> str:
    """Whose position it is; asked only where there are budgets at all."""
    if order.reducing or not book.held_quantity or (order.budget == FIRM and not book.budgets_exist):
        return order.budget
    return position_budget(portfolio_id=book.portfolio_id, symbol=order.symbol) or order.budget
