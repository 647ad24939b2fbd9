"""The tables of the agents' room."""

from apps.agents.models.agent import Agent, AgentKind, AgentOrigin, DesiredState, VoteCursor
from apps.agents.models.agent_score import AgentScore
from apps.agents.models.backtest_run import BacktestRun, BacktestTrade
from apps.agents.models.consensus_policy import ConsensusPolicy
from apps.agents.models.decision import Decision, Outcome
from apps.agents.models.decision_round import DecisionRound, RoundState, Vote, VoteRefusal
from apps.agents.models.neural_model import ModelOrigin, ModelState, NeuralModel
from apps.agents.models.promotion import JudgementOutcome, Promotion, PromotionGate, PromotionJudgement
from apps.agents.models.research_work import UNDER_WAY, AskedRun, ClaimedWork, ResearchWork, RunState
from apps.agents.models.search_run import SearchFold, SearchRun, SearchTrial

__all__ = [
    "UNDER_WAY",
    "Agent",
    "AgentKind",
    "AgentOrigin",
    "AgentScore",
    "AskedRun",
    "BacktestRun",
    "BacktestTrade",
    "ClaimedWork",
    "ConsensusPolicy",
    "Decision",
    "DecisionRound",
    "DesiredState",
    "JudgementOutcome",
    "ModelOrigin",
    "ModelState",
    "NeuralModel",
    "Outcome",
    "Promotion",
    "PromotionGate",
    "PromotionJudgement",
    "ResearchWork",
    "RoundState",
    "RunState",
    "SearchFold",
    "SearchRun",
    "SearchTrial",
    "Vote",
    "VoteCursor",
    "VoteRefusal",
]
