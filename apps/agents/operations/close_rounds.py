"""Close the rounds that are ready, one after another in one order, so that the same run spends money the same way."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce

from apps.agents.models import DecisionRound, RoundState, Vote, VoteCursor, locking
from apps.agents.operations.decide_round import decide_round
from apps.agents.operations.finish_draining import finish_draining
from apps.foundation import outbox
from apps.foundation.clock import Moment
from apps.foundation.correlation import bind

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Closed:
    """A round that was closed, and the agents whose cards it changed."""

    round_id: UUID
    agents: tuple[str, ...]


def close_ready_rounds(*, moment: Moment) -> int:
    """Decide and close rounds by (closed_at, symbol, timeframe) up to the first one that still waits; how many were
    closed.

    A round is ready when every asked agent voted or its deadline (wall clock) passed. Each is decided and closed in one
    transaction with the order it leads to: a crash in between leaves it open and nothing ordered. Only one caller
    closes.
    """
    closed: list[Closed] = []
    while len(closed) < MOST_AT_ONCE:
        done = _close_next(moment)
        if done is None:
            break
        closed.append(done)
    _tell_cards(closed)
    if closed:
        finish_draining(moment=moment)
    return len(closed)


def _close_next(moment: Moment) -> Closed | None:
    with transaction.atomic():
        if not locking.take_if_free(locking.CLOSING):
            return None
        row = _first_open()
        if row is None:
            return None
        votes = list(Vote.objects.filter(round=row))
        if moment.wall < row.deadline_wall and len(votes) < len(row.asked):
            return None
        with bind(correlation_id=row.correlation_id):
            decision = decide_round(row=row, votes=votes, moment=moment)
            DecisionRound.objects.filter(pk=row.pk, state=RoundState.OPEN).update(
                state=RoundState.CLOSED, closed_wall=moment.wall
            )
            outbox.record_event(
                kind="decision.made", aggregate=f"decision:{decision.pk}", payload={"decision_id": str(decision.pk)}
            )
            _note_silence(row, votes)
            log.info("round_decided", symbol=row.symbol, outcome=decision.outcome, code=decision.code)
    return Closed(row.pk, tuple(entry["agent_id"] for entry in row.asked))


def _first_open() -> DecisionRound | None:
    waiting = DecisionRound.objects.filter(state=RoundState.OPEN).order_by("closed_at", "symbol", "timeframe")
    return waiting.select_for_update().first()


def _note_silence(row: DecisionRound, votes: Sequence[Vote]) -> None:
    """Who missed this round, and who is heard again; see ``open_rounds`` for what follows."""
    voted = {vote.agent_id for vote in votes}
    missed = {UUID(entry["agent_id"]) for entry in row.asked} - voted
    if missed:
        since = Coalesce("silent_since", Value(row.opened_wall))
        VoteCursor.objects.filter(agent_id__in=missed).update(silent_since=since, missed_at=row.opened_wall)
    VoteCursor.objects.filter(agent_id__in=voted, silent_since__isnull=False).update(silent_since=None)


def _tell_cards(closed: list[Closed]) -> None:
    """One event an agent for all that was closed at once: its card shows the newest votes."""
    agents = sorted({agent_id for done in closed for agent_id in done.agents})
    if not agents:
        return
    with transaction.atomic():
        outbox.record_events(
            outbox.NewEvent("agent.changed", f"agent:{agent_id}", {"agent_id": agent_id}) for agent_id in agents
        )
