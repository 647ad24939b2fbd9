"""Take in what an agent wrote into its stream: a vote that may count, or a refusal that is counted against it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.agents.domain.flood import CROWD, TRIES, worth_a_look
from apps.agents.domain.vote_checks import AskedRound, RefusedVoteError, asked_round_id, checked_vote
from apps.agents.models import DecisionRound, RoundState, Vote, VoteCursor
from apps.agents.operations.count_refusal import count_refusal
from apps.agents.operations.send_windows import AskedWindow, asked_window, send_windows
from apps.agents.operations.store_vote import store_vote
from apps.foundation.clock import Moment

FLOOD = "flood"


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One entry of an agent's stream; ``message`` is None where it was no JSON object."""

    agent_id: UUID
    entry_id: str
    message: Mapping[str, Any] | None


def record_votes(*, entries: Sequence[StreamEntry], moment: Moment) -> int:
    """Take in entries of the streams in one transaction, each once however often it is read; how many were good.

    Features are handed to an inference device together, as many as were read at once. Of an agent that writes far more
    than it is asked, the rest is counted against it unread.
    """
    windows: list[AskedWindow] = []
    with transaction.atomic():
        heard, floods = _without_floods(entries)
        taken = sum(_take_entry(entry, moment, windows) for entry in heard)
        for agent_id, unread in floods.items():
            if _move_cursor(unread[-1]):
                count_unread(agent_id=agent_id, entries=len(unread), moment=moment)
        send_windows(windows, moment)
    return taken


@transaction.atomic
def count_unread(*, agent_id: UUID, entries: int, moment: Moment) -> None:
    """Count entries that nobody looked at, since there were far too many of them."""
    detail = f"{entries} entries at once that named no open round, or one that it had answered {TRIES} times."
    count_refusal(agent_id, RefusedVoteError(FLOOD, detail), moment, messages=entries)


def _without_floods(entries: Sequence[StreamEntry]) -> tuple[list[StreamEntry], dict[UUID, list[StreamEntry]]]:
    """What is looked at, in its order, and by agent what is not."""
    written: dict[UUID, list[StreamEntry]] = {}
    for entry in entries:
        written.setdefault(entry.agent_id, []).append(entry)
    floods: dict[UUID, list[StreamEntry]] = {}
    if any(len(crowd) > CROWD for crowd in written.values()):
        asked = DecisionRound.objects.filter(state=RoundState.OPEN).values_list("pk", flat=True)
        still_open = {str(round_id) for round_id in asked}
        for agent_id, crowd in written.items():
            looks = worth_a_look([entry.message for entry in crowd], still_open)
            if unread := [entry for entry, look in zip(crowd, looks, strict=True) if not look]:
                floods[agent_id] = unread
    dropped = {id(entry) for unread in floods.values() for entry in unread}
    return [entry for entry in entries if id(entry) not in dropped], floods


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
        count_refusal(agent_id, refusal, moment)
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
