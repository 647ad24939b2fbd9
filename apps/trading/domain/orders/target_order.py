"""What a size follows from, and the intent it becomes. Pure; live trading and backtests share it."""

from datetime import datetime
from uuid import UUID

from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.orders.position_sizing import SizedOrder, SizingFacts, TargetExposure
from apps.trading.domain.risk.book import Book
from apps.trading.domain.risk.order_in_market import MarketSight

ACTOR = "consensus"


def sizing_facts(*, sight: MarketSight, book: Book, firm: datetime) -> SizingFacts:
    """The numbers that the size of a target follows from at this moment of the firm."""
    rules, limits, mark = sight.rules, book.limits, sight.mark
    equity = book.valued_at(sight.prices).equity
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
        fee_bps=float(sight.fee_bps),
        spread_bps=None if mark.spread_bps is None else float(mark.spread_bps),
        collar_bps=float(limits.price_collar_bps),
        fee_edge_multiple=float(limits.fee_edge_multiple),
        minutes_since_close=None if closed is None else (firm - closed).total_seconds() / 60.0,
        reentry_minutes=float(limits.reentry_minutes),
        order_working=book.open_on_symbol > 0,
        paused_reason=sight.paused_reason,
    )


def target_intent(target: TargetExposure, sized: SizedOrder, order_id: UUID | None) -> OrderIntent:
    """The wish to trade that a sized target is."""
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
