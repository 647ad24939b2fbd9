"""An order in its market and its book: all the gate looks at, put together. Pure; backtests use the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal

from apps.foundation.clock import Moment
from apps.foundation.money import ZERO
from apps.market.domain.instruments import InstrumentRules
from apps.market.domain.mark_price import Mark
from apps.trading.domain.books.decimal_math import times
from apps.trading.domain.books.ledger_postings import FIRM
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.orders.order_pricing import priced
from apps.trading.domain.risk.book import Book
from apps.trading.domain.risk.correlation import Closes, correlations_with
from apps.trading.domain.risk.gate_facts import BookFacts, GateFacts, MarketFacts, OrderFacts

ClosesOf = Callable[[Sequence[str], int], Mapping[str, Closes]]  # of these symbols, over so many bars up to now


@dataclass(frozen=True, slots=True)
class MarketSight:
    """Rules, pause and mark of one instrument, and the marks of everything held."""

    rules: InstrumentRules
    paused_reason: str | None
    marks: dict[str, Mark]
    fee_bps: Decimal

    @property
    def mark(self) -> Mark:
        return self.marks[self.rules.symbol]

    @property
    def prices(self) -> dict[str, Decimal | None]:
        return {symbol: mark.price for symbol, mark in self.marks.items()}

    def facts(self, *, correlations: Mapping[str, float]) -> MarketFacts:
        """The part the gate looks at; ``correlations`` as ``MarketFacts`` has them."""
        mark, rules = self.mark, self.rules
        return MarketFacts(
            mark=mark.price,
            as_of=mark.as_of,
            stale=mark.stale,
            diverging=mark.diverging,
            spread_bps=mark.spread_bps,
            reason=mark.reason,
            tick_size=rules.tick_size,
            step_size=rules.step_size,
            min_quantity=rules.min_quantity,
            min_notional=rules.min_notional,
            paused_reason=self.paused_reason,
            fee_bps=self.fee_bps,
            correlations=correlations,
            closed=mark.closed,
            opens_at=mark.opens_at,
        )


def priced_in(intent: OrderIntent, *, sight: MarketSight, book: Book) -> OrderFacts:
    """The order at the mark, paid by the book's budget for a buy."""
    return priced(
        intent,
        base=sight.rules.base,
        quote=sight.rules.quote,
        step=sight.rules.step_size,
        mark=sight.mark.price,
        collar_bps=book.limits.price_collar_bps,
        fee_bps=sight.fee_bps,
        budget=book.budget if intent.side == "buy" else FIRM,
    )


def facts_of_order(
    order: OrderFacts,
    *,
    sight: MarketSight,
    book: Book,
    moment: Moment,
    closes_of: ClosesOf,
    position_budget: str = FIRM,
    held_for_order: Decimal = ZERO,
) -> GateFacts:
    """The facts at this moment. ``held_for_order``: funds that an armed order which fires has reserved already."""
    facts = book.facts_for(
        side=order.side,
        prices=sight.prices,
        held_for_order=held_for_order,
        today=moment.firm.astimezone(UTC).date(),
        position_budget=position_budget,
    )
    return GateFacts(
        order=order,
        market=sight.facts(correlations=_correlations(order, facts, book, closes_of)),
        book=facts,
        venue=book.venue_at(moment.wall),
        limits=book.limits,
        limits_version=book.limits_version,
        firm=moment.firm,
    )


def _correlations(order: OrderFacts, facts: BookFacts, book: Book, closes_of: ClosesOf) -> Mapping[str, float]:
    """Measured only where they can matter: a buy that would break the cap if all that is held moved together."""
    held = [symbol for symbol, value in facts.exposures.items() if symbol != order.symbol and value != ZERO]
    if order.reducing or not held:
        return {}
    together = sum((value for value in facts.exposures.values() if value is not None), order.value or ZERO)
    if facts.equity is None or together <= times(book.limits.max_correlated_share, facts.equity):
        return {}
    bars = book.limits.correlation_bars
    return correlations_with(order.symbol, closes_of([order.symbol, *held], bars), bars=bars)
