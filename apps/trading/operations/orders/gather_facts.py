"""Everything the gate looks at for an intent, in one form for new orders and for armed ones that fire."""

from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal

from apps.foundation.clock import Moment
from apps.foundation.money import ZERO
from apps.market import queries as market
from apps.trading.domain.books.decimal_math import times
from apps.trading.domain.books.ledger_postings import FIRM
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.orders.order_pricing import priced
from apps.trading.domain.risk.book import Book
from apps.trading.domain.risk.correlation import correlations_with
from apps.trading.domain.risk.gate_facts import BookFacts, GateFacts, OrderFacts
from apps.trading.operations.orders.read_market import MarketReading, with_marks_of
from apps.trading.queries.position_budget import position_budget


def gather_facts(
    *, intent: OrderIntent, reading: MarketReading, book: Book, moment: Moment, held_for_order: Decimal = ZERO
) -> GateFacts:
    """The facts under the lock that ``book`` was read with.

    ``held_for_order``: funds that an armed order which fires has reserved already.
    """
    reading = with_marks_of(reading, book.priced_symbols, moment)
    order = priced(
        intent,
        base=reading.rules.base,
        quote=reading.rules.quote,
        step=reading.rules.step_size,
        mark=reading.mark.price,
        collar_bps=book.limits.price_collar_bps,
        fee_bps=reading.fee_bps,
        budget=book.budget if intent.side == "buy" else FIRM,
    )
    facts = book.facts_for(
        side=intent.side,
        prices=reading.prices,
        held_for_order=held_for_order,
        today=moment.firm.astimezone(UTC).date(),
        position_budget=_position_budget(order, book),
    )
    return GateFacts(
        order=order,
        market=reading.facts(correlations=_correlations(order, facts, book, moment)),
        book=facts,
        venue=book.venue_at(moment.wall),
        limits=book.limits,
        limits_version=book.limits_version,
        firm=moment.firm,
    )


def _position_budget(order: OrderFacts, book: Book) -> str:
    """Whose position it is; asked only where there are budgets at all."""
    if order.reducing or not book.held_quantity or (order.budget == FIRM and not book.budgets_exist):
        return order.budget
    return position_budget(portfolio_id=book.portfolio_id, symbol=order.symbol) or order.budget


def _correlations(order: OrderFacts, facts: BookFacts, book: Book, moment: Moment) -> Mapping[str, float]:
    """Measured only where they can matter: a buy that would break the cap if all that is held moved together."""
    held = [symbol for symbol, value in facts.exposures.items() if symbol != order.symbol and value != ZERO]
    if order.reducing or not held:
        return {}
    together = sum((value for value in facts.exposures.values() if value is not None), order.value or ZERO)
    if facts.equity is None or together <= times(book.limits.max_correlated_share, facts.equity):
        return {}
    bars = book.limits.correlation_bars
    closes = market.closes_of(symbols=[order.symbol, *held], until=moment.firm, bars=bars)
    return correlations_with(order.symbol, closes, bars=bars)
