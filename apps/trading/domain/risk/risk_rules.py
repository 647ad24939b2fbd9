"""All rules of the gate, in the order they are shown. All of them always run, and a missing input denies.

Orders that can only lower a position (every sale: spot is long or flat) must stay possible. They are held to the rules
that ``binds_sales`` marks: trading_state, venue_health, balance, instrument_rules, price_collar where the order names a
price and a mark is known, and min_notional unless the order sells all that is held. Every other rule answers
``exempt_reducing``.
"""

from apps.trading.domain.risk import (
    count_rules,
    funds_rules,
    loss_rules,
    permission_rules,
    price_rules,
    quarantine_rules,
    size_rules,
)
from apps.trading.domain.risk.risk_verdict import Rule

RULES: tuple[Rule, ...] = (
    permission_rules.trading_state,
    permission_rules.venue_health,
    permission_rules.clock_skew,
    permission_rules.instrument_paused,
    quarantine_rules.symbol_quarantined,
    price_rules.market_session,
    price_rules.stale_price,
    price_rules.diverging_providers,
    price_rules.spread,
    price_rules.price_collar,
    price_rules.instrument_rules,
    price_rules.min_notional,
    size_rules.max_order_notional,
    size_rules.max_position,
    size_rules.max_gross_exposure,
    size_rules.concentration,
    size_rules.correlation,
    count_rules.order_rate,
    count_rules.open_order_count,
    count_rules.unknown_orders,
    loss_rules.daily_loss,
    loss_rules.drawdown,
    loss_rules.loss_streak,
    price_rules.fee_edge,
    funds_rules.agent_budget,
    funds_rules.balance,
)
