"""Addresses of the agents' room, relative to ``/api/v1/``."""

from apps.agents.api import agent_views as agents
from apps.agents.api import backtest_views as backtests
from apps.agents.api import decision_views as decisions
from apps.agents.api import model_views as models
from apps.agents.api import promotion_views as promotions
from apps.agents.api import search_views as searches
from apps.foundation.rest.routes import endpoint

ONE = "agents/<uuid:agent_id>/"
SEARCH = "agents/searches/<uuid:search_id>/"
BACKTEST = "agents/backtests/<uuid:run_id>/"
MODEL = "agents/models/<uuid:model_id>/"
PROMOTION = "agents/promotions/<uuid:promotion_id>/"

urlpatterns = [
    *endpoint("agents/", agents.AgentsView.as_view(), name="agents"),
    *endpoint("agents/strategies/", agents.StrategiesView.as_view(), name="strategies"),
    *endpoint("agents/consensus/", agents.ConsensusView.as_view(), name="consensus"),
    *endpoint("agents/backtests/", backtests.BacktestsView.as_view(), name="backtests"),
    *endpoint("agents/backtests/choices/", backtests.BacktestChoicesView.as_view(), name="backtest-choices"),
    *endpoint(BACKTEST, backtests.BacktestView.as_view(), name="backtest"),
    *endpoint(f"{BACKTEST}cancel/", backtests.CancelBacktestView.as_view(), name="backtest-cancel"),
    *endpoint(f"{BACKTEST}trades/", backtests.BacktestTradesView.as_view(), name="backtest-trades"),
    *endpoint(f"{BACKTEST}report/", backtests.BacktestReportView.as_view(), name="backtest-report"),
    *endpoint("agents/searches/", searches.SearchesView.as_view(), name="searches"),
    *endpoint(SEARCH, searches.SearchView.as_view(), name="search"),
    *endpoint(f"{SEARCH}cancel/", searches.CancelSearchView.as_view(), name="search-cancel"),
    *endpoint("agents/models/", models.ModelsView.as_view(), name="models"),
    *endpoint(f"{MODEL}retire/", models.RetireModelView.as_view(), name="model-retire"),
    *endpoint("agents/promotions/", promotions.PromotionsView.as_view(), name="promotions"),
    *endpoint(PROMOTION, promotions.PromotionView.as_view(), name="promotion"),
    *endpoint(f"{PROMOTION}advance/", promotions.AdvancePromotionView.as_view(), name="promotion-advance"),
    *endpoint(f"{PROMOTION}end/", promotions.EndPromotionView.as_view(), name="promotion-end"),
    *endpoint("agents/devices/", models.DevicesView.as_view(), name="devices"),
    *endpoint(ONE, agents.AgentView.as_view(), name="agent"),
    *endpoint(f"{ONE}start/", agents.StartAgentView.as_view(), name="agent-start"),
    *endpoint(f"{ONE}stop/", agents.StopAgentView.as_view(), name="agent-stop"),
    *endpoint(f"{ONE}votes/", agents.AgentVotesView.as_view(), name="agent-votes"),
    *endpoint(f"{ONE}performance/", agents.AgentPerformanceView.as_view(), name="agent-performance"),
    *endpoint("trading/decisions/", decisions.DecisionsView.as_view(), name="decisions"),
    *endpoint("trading/decisions/<uuid:decision_id>/", decisions.DecisionView.as_view(), name="decision"),
    *endpoint("trading/explain/", decisions.ExplainView.as_view(), name="explain"),
]
