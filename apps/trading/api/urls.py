"""Addresses of the trading room, relative to ``/api/v1/``."""

from apps.foundation.rest.routes import endpoint
from apps.trading.api import account_views as accounts
from apps.trading.api import book_views as books
from apps.trading.api import break_views as breaks
from apps.trading.api import order_views as orders
from apps.trading.api import risk_views as risk

urlpatterns = [
    *endpoint("trading/portfolio/", books.PortfolioView.as_view(), name="portfolio"),
    *endpoint("trading/orders/", orders.OrdersView.as_view(), name="orders"),
    *endpoint("trading/orders/preview/", orders.PreviewOrderView.as_view(), name="order-preview"),
    *endpoint("trading/orders/<uuid:order_id>/", orders.OrderView.as_view(), name="order"),
    *endpoint("trading/orders/<uuid:order_id>/cancel/", orders.CancelOrderView.as_view(), name="order-cancel"),
    *endpoint("trading/orders/<uuid:order_id>/amend/", orders.AmendOrderView.as_view(), name="order-amend"),
    *endpoint("trading/fills/", orders.FillsView.as_view(), name="fills"),
    *endpoint("trading/positions/", orders.PositionsView.as_view(), name="positions"),
    *endpoint(
        "trading/positions/<instrument:symbol>/close/", orders.ClosePositionView.as_view(), name="position-close"
    ),
    *endpoint("trading/ledger/", books.LedgerView.as_view(), name="ledger"),
    *endpoint("trading/accounts/", accounts.AccountsView.as_view(), name="accounts"),
    *endpoint("trading/accounts/public-key/", accounts.PublicKeyView.as_view(), name="accounts-public-key"),
    *endpoint("trading/accounts/<slug:name>/", accounts.AccountView.as_view(), name="account"),
    *endpoint("trading/accounts/<slug:name>/keys/", accounts.AccountKeysView.as_view(), name="account-keys"),
    *endpoint("trading/accounts/<slug:name>/enable/", accounts.EnableAccountView.as_view(), name="account-enable"),
    *endpoint("trading/accounts/<slug:name>/disable/", accounts.DisableAccountView.as_view(), name="account-disable"),
    *endpoint("trading/accounts/<slug:name>/reconcile/", breaks.ReconcileView.as_view(), name="account-reconcile"),
    *endpoint("trading/breaks/", breaks.BreaksView.as_view(), name="breaks"),
    *endpoint("trading/breaks/<uuid:break_id>/", breaks.BreakView.as_view(), name="break"),
    *endpoint("trading/breaks/<uuid:break_id>/resolve/", breaks.ResolveBreakView.as_view(), name="break-resolve"),
    *endpoint("trading/equity/", books.EquityView.as_view(), name="equity"),
    *endpoint("trading/risk/limits/", risk.LimitsView.as_view(), name="risk-limits"),
    *endpoint("trading/risk/limits/history/", risk.LimitsHistoryView.as_view(), name="risk-limits-history"),
    *endpoint("trading/risk/use/", risk.LimitUseView.as_view(), name="risk-use"),
    *endpoint("trading/risk/state/", risk.StateView.as_view(), name="risk-state"),
    *endpoint("trading/budgets/", risk.BudgetsView.as_view(), name="budgets"),
    *endpoint("trading/budgets/<uuid:agent_id>/", risk.BudgetView.as_view(), name="budget"),
]
