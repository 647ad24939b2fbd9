"""Take in what an agent wrote into its stream: a vote that may count, or a refusal that is counted against it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.agents.domain.flood import CROWD, TRIES, worth_a_look
from apps.agents.domain.vote_checks import AskedRound, RefusedVoteError, asked_round_id, checked_vote
from apps.agents.domain.vote_entry import MOST_VOTES
from apps.agents.models import DecisionRound, RoundState, Vote, VoteCursor
from apps.agents.operations.count_refusal import count_refusal
from apps.agents.operations.send_windows import AskedWindow, asked_window, send_windows
from apps.agents.operations.store_vote import store_votes, vote_row
from apps.foundation.clock import Moment

FLOOD = "flood"


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One message in an agent's stream, the ``part``-th of its entry; ``message`` None: it was no JSON object."""

    agent_id: UUID
    entry_id: str
    message: Mapping[str, Any] | None
    part: int = 0

    @property
    def place(self) -> tuple[int, int, int]:
        """Its identifier and part as numbers, which ascend in a stream."""
        milliseconds, _, number = self.entry_id.partition("-")
        return int(milliseconds), int(number or 0), self.part


def record_votes(*, entries: Sequence[StreamEntry], moment: Moment) -> int:
    """Take in entries of the streams in one transaction, each once however often it is read; how many were good.

    Features are handed to an inference device together, as many as were read at once. Of an agent that writes far more
    than it is asked, the rest is counted against it unread.
    """
    with transaction.atomic():
        rounds = _locked_rounds([entry.message for entry in entries])
        heard, floods = _without_floods(_claimed(entries))
        taken = _take_all([(entry.agent_id, entry.message) for entry in heard], rounds, moment)
        for agent_id, unread in floods.items():
            count_unread(agent_id=agent_id, entries=len(unread), moment=moment)
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
    with transaction.atomic():
        return _take_all([(agent_id, message)], _locked_rounds([message]), moment) == 1


def _locked_rounds(messages: Sequence[Mapping[str, Any] | None]) -> dict[UUID, DecisionRound]:
    """The rounds that the messages name, locked until the votes are stored, so that none can close in between and
    leave one out; in the order in which rounds are closed, and before the cursors, as whoever closes locks them.
    """
    named = set()
    for message in messages:
        with suppress(RefusedVoteError):  # it is counted when its turn comes
            named |= {asked_round_id(message)} if isinstance(message, Mapping) else set()
    rows = DecisionRound.objects.select_for_update().filter(pk__in=named)
    return {row.pk: row for row in rows.order_by("closed_at", "symbol", "timeframe")} if named else {}


def _claimed(entries: Sequence[StreamEntry]) -> list[StreamEntry]:
    """Those that were not read before, here or by another collector; each agent's cursor moves behind them."""
    cursors = VoteCursor.objects.select_for_update().filter(agent_id__in={entry.agent_id for entry in entries})
    newest = {row.agent_id: (row.entry_ms, row.entry_number, MOST_VOTES) for row in cursors.order_by("agent_id")}
    fresh, moved = [], set()
    for entry in entries:
        if entry.agent_id in newest and entry.place > newest[entry.agent_id]:
            newest[entry.agent_id] = entry.place
            moved.add(entry.agent_id)
            fresh.append(entry)
    for agent_id in sorted(moved):
        at, number, _ = newest[agent_id]
        VoteCursor.objects.filter(agent_id=agent_id).update(entry_ms=at, entry_number=number)
    return fresh


def _take_all(
    said: Sequence[tuple[UUID, Mapping[str, Any] | None]], rounds: Mapping[UUID, DecisionRound], moment: Moment
) -> int:
    """Store votes, hand on windows, count refusals; how many were good."""
    votes: list[Vote] = []
    windows: list[AskedWindow] = []
    refused = 0
    for agent_id, message in said:
        try:
            taken = _taken(agent_id, message, rounds, moment)
        except RefusedVoteError as refusal:
            count_refusal(agent_id, refusal, moment)
            refused += 1
        else:
            if isinstance(taken, AskedWindow):
                windows.append(taken)
            elif taken is not None:
                votes.append(taken)
    store_votes(votes)
    send_windows(windows, moment)
    return len(said) - refused


def _taken(
    agent_id: UUID, message: Mapping[str, Any] | None, rounds: Mapping[UUID, DecisionRound], moment: Moment
) -> Vote | AskedWindow | None:
    """The vote, or the features that wait for a judge; None for what this agent has said before."""
    if not isinstance(message, Mapping):
        raise RefusedVoteError("not_an_object", "The entry's field 'vote' is no JSON object.")
    round_id = asked_round_id(message)
    asked = rounds.get(round_id)
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
    return vote_row(asked, agent_id, vote, moment)
