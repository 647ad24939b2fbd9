"""Write a vote that was found good, within the transaction that holds its round's lock."""

from uuid import UUID

from apps.agents.domain.vote_checks import CheckedVote
from apps.agents.models import DecisionRound, Vote
from apps.foundation.clock import Moment


def store_vote(asked: DecisionRound, agent_id: UUID, vote: CheckedVote, moment: Moment) -> None:
    """Insert the vote unless this agent has voted: the first word counts."""
    row = Vote(
        round=asked,
        agent_id=agent_id,
        direction=vote.direction,
        confidence=vote.confidence,
        abstain=vote.abstain,
        horizon_bars=vote.horizon_bars,
        expires_at=vote.expires_at,
        data_as_of=vote.data_as_of,
        reason=vote.reason,
        digest=vote.digest,
        correlation_id=vote.correlation_id or asked.correlation_id,
        received_wall=moment.wall,
    )
    Vote.objects.bulk_create([row], ignore_conflicts=True)
