"""Take in what an agent wrote into its stream: a vote that may count, or a refusal that is counted against it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, Q

from apps.agents.domain.vote_checks import AskedRound, RefusedVoteError, asked_round_id, checked_vote
from apps.agents.models import DecisionRound, RoundState, Vote, VoteCursor, VoteRefusal
from apps.agents.operations.send_windows import AskedWindow, asked_window, send_windows
from apps.agents.operations.store_vote import store_vote
from apps.foundation.clock import Moment

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One entry of an agent's stream; ``message`` is None where it was no JSON object."""

    agent_id: UUID
    entry_id: str
    message: Mapping[str, Any] | None


def record_votes(*, entries: Sequence[StreamEntry], moment: Moment) -> int:
    """Take in entries of the streams in one transaction, each once however often it is read; how many were good.

    Features are handed to an inference device together, as many as were read at once.
    """
    windows: list[AskedWindow] = []
    with transaction.atomic():
        taken = sum(_take_entry(entry, moment, windows) for entry in entries)
        send_windows(windows, moment)
    return taken


def record_vote(*, agent_id: UUID, message: Mapping[str, Any] | None, moment: Moment) -> bool:
    """Store the vote of ``agent_id`` (or hand on its features), or count why not; whether it counts (or already did).

    ``agent_id`` is the stream's name, never the message's word; None stands for a message that is no JSON object.
    """
    windows: list[AskedWindow] = []
    with transaction.atomic():
        taken = _take_or_count(agent_id, message, moment, windows)
        send_windows(windows, moment)
    return taken


def _take_entry(entry: StreamEntry, moment: Moment, windows: list[AskedWindow]) -> bool:
    return _move_cursor(entry) and _take_or_count(entry.agent_id, entry.message, moment, windows)


def _take_or_count(
    agent_id: UUID, message: Mapping[str, Any] | None, moment: Moment, windows: list[AskedWindow]
) -> bool:
    try:
        window = _take(agent_id, message, moment)
    except RefusedVoteError as refusal:
        _count(agent_id, refusal, moment)
        return False
    if window is not None:
        windows.append(window)
    return True


def _take(agent_id: UUID, message: Mapping[str, Any] | None, moment: Moment) -> AskedWindow | None:
    """Store a vote; features that wait for a judge come back."""
    if not isinstance(message, Mapping):
        raise RefusedVoteError("not_an_object", "The entry's field 'vote' is no JSON object.")
    round_id = asked_round_id(message)
    # The row is locked until the vote is stored, so that the round can not close in between and leave it out.
    asked = DecisionRound.objects.select_for_update().filter(pk=round_id).first()
    if asked is None:
        raise RefusedVoteError("unknown_round", f"round_id was {round_id}; there is no such round.")
    if str(agent_id) not in {entry["agent_id"] for entry in asked.asked}:
        raise RefusedVoteError("not_asked", f"The round {asked} did not ask this agent.")
    if asked.state != RoundState.OPEN:
        if Vote.objects.filter(round=asked, agent_id=agent_id).exists():
            return None
        raise RefusedVoteError("late", f"The round {asked} was closed before the vote came.")
    if "features" in message:
        return asked_window(asked, agent_id, message, moment)
    vote = checked_vote(message, asked=AskedRound(asked.symbol, asked.timeframe, asked.closed_at), now=moment.firm)
    store_vote(asked, agent_id, vote, moment)
    return None


def _move_cursor(entry: StreamEntry) -> bool:
    """Claim the entry: False where it was read before, here or by another collector."""
    milliseconds, _, number = entry.entry_id.partition("-")
    at, place = int(milliseconds), int(number or 0)
    before = Q(entry_ms__lt=at) | Q(entry_ms=at, entry_number__lt=place)
    moved = VoteCursor.objects.filter(before, agent_id=entry.agent_id).update(entry_ms=at, entry_number=place)
    return moved == 1


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
