"""Take in what an agent wrote into its stream: a vote that may count, or a refusal that is counted against it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F

from apps.agents.domain.vote_checks import AskedRound, CheckedVote, RefusedVoteError, asked_round_id, checked_vote
from apps.agents.models import DecisionRound, RoundState, Vote, VoteCursor, VoteRefusal
from apps.foundation.clock import Moment

log = structlog.get_logger(__name__)


def record_vote(
    *, agent_id: UUID, message: Mapping[str, Any] | None, moment: Moment, entry_id: str | None = None
) -> bool:
    """Store the vote of ``agent_id``, or count why not; whether it counts (or already did).

    ``agent_id`` is the stream's name, never the message's word; None stands for a message that is no JSON object.
    ``entry_id`` moves the agent's read position in the same transaction, so that a restart neither loses nor repeats.
    """
    with transaction.atomic():
        if entry_id is not None and not _move_cursor(agent_id, entry_id):
            return False
        try:
            _take(agent_id, message, moment)
        except RefusedVoteError as refusal:
            _count(agent_id, refusal, moment)
            return False
    return True


def _take(agent_id: UUID, message: Mapping[str, Any] | None, moment: Moment) -> None:
    if not isinstance(message, Mapping):
        raise RefusedVoteError("not_an_object", "The entry's field 'vote' is no JSON object.")
    round_id = asked_round_id(message)
    # The row is locked until the vote is stored, so that the round can not close in between and leave it out.
    asked = DecisionRound.objects.select_for_update(of=("self",)).filter(pk=round_id).first()
    if asked is None:
        raise RefusedVoteError("unknown_round", f"round_id was {round_id}; there is no such round.")
    if str(agent_id) not in {entry["agent_id"] for entry in asked.asked}:
        raise RefusedVoteError("not_asked", f"The round {asked} did not ask this agent.")
    if Vote.objects.filter(round=asked, agent_id=agent_id).exists():
        return
    if asked.state != RoundState.OPEN:
        raise RefusedVoteError("late", f"The round {asked} was closed before the vote came.")
    vote = checked_vote(message, asked=AskedRound(asked.symbol, asked.timeframe, asked.closed_at), now=moment.firm)
    _store(asked, agent_id, vote, moment)


def _store(asked: DecisionRound, agent_id: UUID, vote: CheckedVote, moment: Moment) -> None:
    Vote.objects.create(
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


def _move_cursor(agent_id: UUID, entry_id: str) -> bool:
    """Claim the entry: False where another collector has read past it."""
    row = VoteCursor.objects.select_for_update().filter(agent_id=agent_id).first()
    if row is None or _place(row.entry_id) >= _place(entry_id):
        return False
    VoteCursor.objects.filter(agent_id=agent_id).update(entry_id=entry_id)
    return True


def _place(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)


def _count(agent_id: UUID, refusal: RefusedVoteError, moment: Moment) -> None:
    """One row an agent, code and hour: a flood of nonsense costs one UPDATE each and no space."""
    hour = moment.wall.replace(minute=0, second=0, microsecond=0)
    row, new = VoteRefusal.objects.get_or_create(
        agent_id=agent_id,
        code=refusal.code,
        hour=hour,
        defaults={"detail": refusal.detail, "first_at": moment.wall, "last_at": moment.wall},
    )
    if new:
        log.warning("vote_refused", agent_id=str(agent_id), code=refusal.code, reason=refusal.detail)
    else:
        VoteRefusal.objects.filter(pk=row.pk).update(count=F("count") + 1, detail=refusal.detail, last_at=moment.wall)
