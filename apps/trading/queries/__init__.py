"""What other rooms, screens and workers may ask the trading room."""

from apps.trading.queries.accounts import (
    account_of_order,
    account_view,
    account_views,
    all_accounts,
    find_account,
    house_account,
)
from apps.trading.queries.budgets import budget_view, budget_views
from apps.trading.queries.cursors import is_through, orders_settled
from apps.trading.queries.ledger_views import (
    all_fills,
    all_orders,
    all_snapshots,
    all_transfers,
    snapshot_views,
    transfer_views,
)
from apps.trading.queries.limit_use import limit_use
from apps.trading.queries.order_views import (
    fill_view,
    open_orders,
    order_view,
    order_views,
    order_views_by_id,
    orders_of_decision,
    recent_orders,
)
from apps.trading.queries.portfolio import (
    PortfolioReading,
    portfolio_view,
    position_views,
    positions_outside,
    read_portfolio,
)
from apps.trading.queries.reconciliation import (
    all_breaks,
    break_view,
    recent_breaks,
    reconciled,
    reconciliation_view,
    reconciliation_views,
    symbol_quarantined,
    view_of_break,
)
from apps.trading.queries.risk_limits import all_limits, current_limits, limits_version_view, limits_view
from apps.trading.queries.trading_state import TradingStateView, state_view, trading_state
from apps.trading.queries.unknown_orders import unknown_orders
from apps.trading.queries.venue_health import venue_ladder, venue_views
from apps.trading.queries.waiting_cancels import cancels_waiting, last_order_ended

__all__ = [
    "PortfolioReading",
    "TradingStateView",
    "account_of_order",
    "account_view",
    "account_views",
    "all_accounts",
    "all_breaks",
    "all_fills",
    "all_limits",
    "all_orders",
    "all_snapshots",
    "all_transfers",
    "break_view",
    "budget_view",
    "budget_views",
    "cancels_waiting",
    "current_limits",
    "fill_view",
    "find_account",
    "house_account",
    "is_through",
    "last_order_ended",
    "limit_use",
    "limits_version_view",
    "limits_view",
    "open_orders",
    "order_view",
    "order_views",
    "order_views_by_id",
    "orders_of_decision",
    "orders_settled",
    "portfolio_view",
    "position_views",
    "positions_outside",
    "read_portfolio",
    "recent_breaks",
    "recent_orders",
    "reconciled",
    "reconciliation_view",
    "reconciliation_views",
    "snapshot_views",
    "state_view",
    "symbol_quarantined",
    "trading_state",
    "transfer_views",
    "unknown_orders",
    "venue_ladder",
    "venue_views",
    "view_of_break",
]
