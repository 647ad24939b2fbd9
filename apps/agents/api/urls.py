"""Addresses of the agents' room, relative to ``/api/v1/``."""

from apps.agents.api import agent_views as agents
from apps.agents.api import decision_views as decisions
from apps.foundation.rest.routes import endpoint

ONE = "agents/<uuid:agent_id>/"

urlpatterns = [
    *endpoint("agents/", agents.AgentsView.as_view(), name="agents"),
    *endpoint("agents/strategies/", agents.StrategiesView.as_view(), name="strategies"),
    *endpoint("agents/consensus/", agents.ConsensusView.as_view(), name="consensus"),
    *endpoint(ONE, agents.AgentView.as_view(), name="agent"),
    *endpoint(f"{ONE}start/", agents.StartAgentView.as_view(), name="agent-start"),
    *endpoint(f"{ONE}stop/", agents.StopAgentView.as_view(), name="agent-stop"),
    *endpoint(f"{ONE}votes/", agents.AgentVotesView.as_view(), name="agent-votes"),
    *endpoint(f"{ONE}performance/", agents.AgentPerformanceView.as_view(), name="agent-performance"),
    *endpoint("trading/decisions/", decisions.DecisionsView.as_view(), name="decisions"),
    *endpoint("trading/decisions/<uuid:decision_id>/", decisions.DecisionView.as_view(), name="decision"),
    *endpoint("trading/explain/", decisions.ExplainView.as_view(), name="explain"),
]
