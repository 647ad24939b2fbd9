"""The tables of the agents' room."""

from apps.agents.models.agent import Agent, AgentKind, AgentOrigin, DesiredState, VoteCursor
from apps.agents.models.agent_score import AgentScore
from apps.agents.models.consensus_policy import ConsensusPolicy
from apps.agents.models.decision import Decision, Outcome
from apps.agents.models.decision_round import DecisionRound, RoundState, Vote, VoteRefusal

__all__ = [
    "Agent",
    "AgentKind",
    "AgentOrigin",
    "AgentScore",
    "ConsensusPolicy",
    "Decision",
    "DecisionRound",
    "DesiredState",
    "Outcome",
    "RoundState",
    "Vote",
    "VoteCursor",
    "VoteRefusal",
]
