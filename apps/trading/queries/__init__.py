"""What other rooms, screens and workers may ask the trading room."""

from apps.trading.queries.cursors import cursor, orders_settled
from apps.trading.queries.order_views import (
    fill_view,
    open_orders,
    order_view,
    order_views,
    orders_of_decision,
    recent_orders,
)
from apps.trading.queries.portfolio import exposure, portfolio_view, position_views, read_portfolio
from apps.trading.queries.risk_limits import current_limits, limits_view
from apps.trading.queries.trading_state import TradingStateView, state_view, trading_state

__all__ = [
    "TradingStateView",
    "current_limits",
    "cursor",
    "exposure",
    "fill_view",
    "limits_view",
    "open_orders",
    "order_view",
    "order_views",
    "orders_of_decision",
    "orders_settled",
    "portfolio_view",
    "position_views",
    "read_portfolio",
    "recent_orders",
    "state_view",
    "trading_state",
]
