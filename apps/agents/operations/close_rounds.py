"""Close the rounds that are ready, one after another in one order, so that the same run spends money the same way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce

from apps.agents.models import Decision, DecisionRound, Outcome, RoundState, Vote, VoteCursor, locking
from apps.agents.operations.decide_round import Firm, decide_round, is_too_late
from apps.agents.operations.finish_draining import finish_draining
from apps.foundation import outbox
from apps.foundation.clock import Moment
from apps.foundation.correlation import bind
from apps.foundation.row_inserts import insert_rows

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 200
A_BATCH = 32  # rounds decided in one transaction, which holds the portfolio from its first order on


@dataclass(frozen=True, slots=True)
class Closed:
    """A round that was closed, and the agents whose cards it changed."""

    round_id: UUID
    agents: tuple[str, ...]


def close_ready_rounds(*, moment: Moment, may_decide: Callable[[datetime], bool] = lambda _: True) -> int:
    """Decide and close rounds by (closed_at, symbol, timeframe) up to the first one that still waits; how many were
    closed.

    A round is ready when every asked agent voted or its deadline (wall clock) passed, and ``may_decide`` says of its
    bar that nothing must come before; what waits for that for too long is closed as too late. The rounds of a bar are
    decided and closed together, each with the order it leads to: a crash in between leaves them open and nothing
    ordered. Only one caller closes.
    """
    closed: list[Closed] = []
    firms: dict[datetime, Firm] = {}
    while len(closed) < MOST_AT_ONCE:
        done = _close_next(moment, may_decide, firms)
        if not done:
            break
        closed += done
    _tell_cards(closed)
    if closed:
        finish_draining(moment=moment)
    return len(closed)


def _close_next(moment: Moment, may_decide: Callable[[datetime], bool], firms: dict[datetime, Firm]) -> list[Closed]:
    """``firms``: by bar what its rounds share, for the other rounds of the bar."""
    with transaction.atomic():
        if not locking.take_if_free(locking.CLOSING):
            return []
        ready = _ready(moment)
        if not ready or not (may_decide(ready[0][0].closed_at) or is_too_late(ready[0][0], moment)):
            return []
        bar_at = ready[0][0].closed_at
        firm = firms[bar_at] = firms.get(bar_at) or Firm(moment)
        decisions = [_decided(row, votes, firm) for row, votes in ready]
        insert_rows(decisions)
        DecisionRound.objects.filter(pk__in=[row.pk for row, _ in ready], state=RoundState.OPEN).update(
            state=RoundState.CLOSED, closed_wall=moment.wall
        )
        outbox.record_events(
            outbox.NewEvent("decision.made", f"decision:{one.pk}", {"decision_id": str(one.pk)}, one.correlation_id)
            for one in decisions
        )
        _note_silence(ready)
    log.info("rounds_closed", closed_at=bar_at.isoformat(), codes={one.symbol: one.code for one in decisions})
    return [Closed(row.pk, tuple(entry["agent_id"] for entry in row.asked)) for row, _ in ready]


def _decided(row: DecisionRound, votes: Sequence[Vote], firm: Firm) -> Decision:
    with bind(correlation_id=row.correlation_id):
        decision = decide_round(row=row, votes=votes, firm=firm)
        if decision.outcome != Outcome.NO_TRADE:
            log.info("round_decided", symbol=row.symbol, outcome=decision.outcome, code=decision.code)
    return decision


def _ready(moment: Moment) -> list[tuple[DecisionRound, list[Vote]]]:
    """The next rounds with their votes, locked: those of one bar, since a decision looks at the bars before it."""
    waiting = DecisionRound.objects.filter(state=RoundState.OPEN).order_by("closed_at", "symbol", "timeframe")
    rows = list(waiting.select_for_update()[:A_BATCH])
    votes: dict[UUID, list[Vote]] = {row.pk: [] for row in rows}
    for vote in Vote.objects.filter(round_id__in=votes):
        votes[vote.round_id].append(vote)
    found = []
    for row in rows:
        waits = moment.wall < row.deadline_wall and len(votes[row.pk]) < len(row.asked)
        if waits or row.closed_at != rows[0].closed_at:
            break
        found.append((row, votes[row.pk]))
    return found


def _note_silence(ready: Sequence[tuple[DecisionRound, Sequence[Vote]]]) -> None:
    """Who missed the last round it was asked in, and who is heard again; see ``open_rounds`` for what follows."""
    voted = {vote.agent_id for _, votes in ready for vote in votes}
    missed: dict[UUID, datetime] = {}
    for row, votes in ready:
        heard = {vote.agent_id for vote in votes}
        for agent_id in (UUID(entry["agent_id"]) for entry in row.asked):
            missed.pop(agent_id, None)
            if agent_id not in heard:
                missed[agent_id] = row.opened_wall
    VoteCursor.objects.filter(agent_id__in=voted, silent_since__isnull=False).update(silent_since=None)
    for opened_wall in set(missed.values()):
        silent = [agent_id for agent_id, at in missed.items() if at == opened_wall]
        since = Coalesce("silent_since", Value(opened_wall))
        VoteCursor.objects.filter(agent_id__in=silent).update(silent_since=since, missed_at=opened_wall)


def _tell_cards(closed: list[Closed]) -> None:
    """One event an agent for all that was closed at once: its card shows the newest votes."""
    agents = sorted({agent_id for done in closed for agent_id in done.agents})
    if not agents:
        return
    with transaction.atomic():
        outbox.record_events(
            outbox.NewEvent("agent.changed", f"agent:{agent_id}", {"agent_id": agent_id}) for agent_id in agents
        )
