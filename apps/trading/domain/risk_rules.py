"""All rules of the gate, in the order they are shown. All of them always run.

Orders that can only lower a position (every sale: spot is long or flat) must stay possible. For them these rules apply:
trading_state, balance, instrument_rules, price_collar where the order names a price and a mark is known, and
min_notional unless the order sells all that is held. Every other rule answers ``exempt_reducing``.
"""

from apps.trading.domain import book_rules, market_rules
from apps.trading.domain.risk_verdict import Rule, for_new_risk

RULES: tuple[Rule, ...] = (
    book_rules.trading_state,
    for_new_risk(market_rules.instrument_paused),
    for_new_risk(market_rules.stale_price),
    for_new_risk(market_rules.diverging_providers),
    for_new_risk(market_rules.spread),
    market_rules.price_collar,
    market_rules.instrument_rules,
    market_rules.min_notional,
    for_new_risk(book_rules.max_order_notional),
    for_new_risk(book_rules.max_position),
    for_new_risk(book_rules.max_gross_exposure),
    for_new_risk(book_rules.concentration),
    for_new_risk(book_rules.order_rate),
    for_new_risk(book_rules.open_order_count),
    for_new_risk(book_rules.unknown_orders),
    for_new_risk(book_rules.daily_loss_limit),
    for_new_risk(book_rules.drawdown_limit),
    for_new_risk(book_rules.loss_streak),
    for_new_risk(market_rules.fee_edge),
    book_rules.balance,
)
