"""An agent's record: its votes, its scores, what was refused."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from apps.agents.models import AgentScore, Vote, VoteRefusal
from apps.agents.queries.agent_cards import score_view
from apps.agents.queries.find_agent import found_agent
from apps.foundation.time_text import utc_text

SCORES_SHOWN = 500
REFUSALS_SHOWN = 100


def votes_of(agent_id: UUID) -> QuerySet[Vote]:
    """The agent's votes with their rounds; ``NotFound`` for an unknown agent."""
    return Vote.objects.filter(agent=found_agent(agent_id)).select_related("round")


def performance_view(agent_id: UUID) -> dict[str, Any]:
    """The scoreboard of one agent: the newest scores, their history (oldest first), refused messages by code."""
    agent = found_agent(agent_id)
    history = list(reversed(AgentScore.objects.filter(agent=agent).order_by("-at")[:SCORES_SHOWN]))
    refusals = VoteRefusal.objects.filter(agent=agent).order_by("-last_at")[:REFUSALS_SHOWN]
    return {
        "agent_id": str(agent.pk),
        "name": agent.name,
        "weight": agent.weight,
        "benched_reason": agent.benched_reason or None,
        "votes": Vote.objects.filter(agent=agent).count(),
        "score": score_view(history[-1]) if history else None,
        "history": [score_view(row) for row in history],
        "refused": [
            {
                "code": row.code,
                "count": row.count,
                "detail": row.detail,
                "first_at": utc_text(row.first_at),
                "last_at": utc_text(row.last_at),
            }
            for row in refusals
        ],
    }
