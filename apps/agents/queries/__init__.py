"""What others may ask the agents' room."""

from apps.agents.queries.agent_cards import (
    CardReading,
    DesiredAgent,
    agent_card,
    agent_cards,
    cards_of,
    desired_agents,
    vote_view,
)
from apps.agents.queries.agent_records import performance_view, votes_of
from apps.agents.queries.backtest_views import (
    all_backtests,
    backtest_choices,
    backtest_line_of,
    backtest_lines,
    backtest_report,
    backtest_trades,
    backtest_view,
    found_backtest,
    recent_backtests,
    trade_view,
)
from apps.agents.queries.consensus_policy import current_policy, policy_view
from apps.agents.queries.decision_views import (
    DecisionReading,
    all_decisions,
    decision_view,
    explain,
    recent_decisions,
    shown,
)
from apps.agents.queries.find_agent import found_agent
from apps.agents.queries.fleet_members import (
    FleetMember,
    Punctuality,
    fleet_members,
    punctuality,
    resources_of_a_new_agent,
)
from apps.agents.queries.heartbeats import heartbeat_key, heartbeats
from apps.agents.queries.inference_devices import device_loads, device_views, local_devices, queue_of
from apps.agents.queries.missed_rounds import MissedRounds, missed_rounds
from apps.agents.queries.neural_models import ModelInForce, all_models, model_in_force, model_view, shown_model
from apps.agents.queries.promotion_standings import Standing, promotion_standings
from apps.agents.queries.promotion_views import all_promotions, found_promotion, promotion_lines, promotion_view
from apps.agents.queries.rounds import open_rounds_count, rounds_opened, rounds_settled
from apps.agents.queries.search_views import (
    all_searches,
    found_search,
    recent_searches,
    search_line_of,
    search_lines,
    search_view,
)
from apps.agents.queries.strategy_views import strategy_views
from apps.agents.queries.vote_streams import vote_cursors

__all__ = [
    "CardReading",
    "DecisionReading",
    "DesiredAgent",
    "FleetMember",
    "MissedRounds",
    "ModelInForce",
    "Punctuality",
    "Standing",
    "agent_card",
    "agent_cards",
    "all_backtests",
    "all_decisions",
    "all_models",
    "all_promotions",
    "all_searches",
    "backtest_choices",
    "backtest_line_of",
    "backtest_lines",
    "backtest_report",
    "backtest_trades",
    "backtest_view",
    "cards_of",
    "current_policy",
    "decision_view",
    "desired_agents",
    "device_loads",
    "device_views",
    "explain",
    "fleet_members",
    "found_agent",
    "found_backtest",
    "found_promotion",
    "found_search",
    "heartbeat_key",
    "heartbeats",
    "local_devices",
    "missed_rounds",
    "model_in_force",
    "model_view",
    "open_rounds_count",
    "performance_view",
    "policy_view",
    "promotion_lines",
    "promotion_standings",
    "promotion_view",
    "punctuality",
    "queue_of",
    "recent_backtests",
    "recent_decisions",
    "recent_searches",
    "resources_of_a_new_agent",
    "rounds_opened",
    "rounds_settled",
    "search_line_of",
    "search_lines",
    "search_view",
    "shown",
    "shown_model",
    "strategy_views",
    "trade_view",
    "vote_cursors",
    "vote_view",
    "votes_of",
]
