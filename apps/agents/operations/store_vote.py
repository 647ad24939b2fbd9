"""Write votes that were found good, within the transaction that holds their rounds' locks."""

from collections.abc import Sequence
from uuid import UUID

from apps.agents.domain.vote_checks import CheckedVote
from apps.agents.models import DecisionRound, Vote
from apps.foundation.clock import Moment
from apps.foundation.row_inserts import insert_rows


def vote_row(asked: DecisionRound, agent_id: UUID, vote: CheckedVote, moment: Moment) -> Vote:
    """The vote as a row that is not stored yet."""
    return Vote(
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


def store_votes(rows: Sequence[Vote]) -> None:
    """Insert the votes, of each agent in each round the first: its first word counts."""
    insert_rows(rows, ignore_conflicts=True)
