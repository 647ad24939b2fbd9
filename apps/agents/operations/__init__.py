"""What the agents' room does."""

from apps.agents.operations.bench_agent import bench_agent
from apps.agents.operations.change_desired_state import destroy_agent, start_agent, stop_agent
from apps.agents.operations.change_policy import change_policy
from apps.agents.operations.check_strategy import StrategyCheck, check_lookahead, check_warmup
from apps.agents.operations.close_rounds import close_ready_rounds
from apps.agents.operations.configure_agent import configure_agent
from apps.agents.operations.create_agent import create_agent
from apps.agents.operations.finish_draining import finish_draining
from apps.agents.operations.open_rounds import open_rounds
from apps.agents.operations.record_vote import StreamEntry, record_vote, record_votes
from apps.agents.operations.run_backtest import (
    BACKTEST_MODES,
    BacktestResult,
    BacktestWish,
    WantedStrategy,
    run_backtest,
)
from apps.agents.operations.scale_agents import ScaledAgents, scale_agents
from apps.agents.operations.score_agents import score_agents
from apps.agents.operations.seed_agents import seed_agents
from apps.agents.operations.sweep_windows import SweptPair, sweep_windows

__all__ = [
    "BACKTEST_MODES",
    "BacktestResult",
    "BacktestWish",
    "ScaledAgents",
    "StrategyCheck",
    "StreamEntry",
    "SweptPair",
    "WantedStrategy",
    "bench_agent",
    "change_policy",
    "check_lookahead",
    "check_warmup",
    "close_ready_rounds",
    "configure_agent",
    "create_agent",
    "destroy_agent",
    "finish_draining",
    "open_rounds",
    "record_vote",
    "record_votes",
    "run_backtest",
    "scale_agents",
    "score_agents",
    "seed_agents",
    "start_agent",
    "stop_agent",
    "sweep_windows",
]
