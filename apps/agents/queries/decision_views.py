"""Decisions as the API, the sockets and the screens show them: every vote, weight, verdict and reason."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from apps.agents.domain.explanation import VoteFacts, headline
from apps.agents.models import Decision, DecisionRound, RoundState, Vote
from apps.agents.queries.order_facts import facts_of
from apps.agents.queries.rounds import voters_of
from apps.foundation.errors import NotFound
from apps.foundation.time_text import utc_text
from apps.market import queries as market
from apps.market.domain import timeframes
from apps.trading import queries as books

NEVER_ASKED_HINT = "No bar of this instrument had closed for any agent by then."


def decision_view(decision_id: UUID) -> dict[str, Any]:
    """One decision with its votes and its order; ``NotFound`` with code ``unknown_decision``."""
    row = all_decisions().filter(pk=decision_id).first()
    if row is None:
        raise NotFound(f"There is no decision {decision_id}.", code="unknown_decision")
    return shown([row])[0]


def recent_decisions(limit: int) -> list[dict[str, Any]]:
    """The newest decisions first."""
    return shown(all_decisions().order_by("-closed_at", "symbol", "timeframe")[:limit])


def all_decisions() -> QuerySet[Decision]:
    """Decisions with their rounds, ready for ``shown``."""
    return Decision.objects.select_related("round")


def shown(rows: Iterable[Decision]) -> list[dict[str, Any]]:
    """The views of these decisions, in their order."""
    reading = DecisionReading(rows)
    return [reading.view(decision_id) for decision_id in reading.rows]


class DecisionReading:
    """Decisions with all their votes and orders, read at once; each is rendered when it is asked for, so that one that
    can't be shown hides no other.
    """

    def __init__(self, rows: Iterable[Decision]) -> None:
        self.rows = {str(row.pk): row for row in rows}
        self._votes: dict[UUID, list[Vote]] = {row.round_id: [] for row in self.rows.values()}
        for vote in Vote.objects.filter(round_id__in=self._votes).order_by("id"):
            self._votes[vote.round_id].append(vote)
        ordered = {str(row.order_id) for row in self.rows.values() if row.order_id is not None}
        self._orders = books.order_views_by_id(ordered) if ordered else {}

    def view(self, decision_id: str) -> dict[str, Any]:
        """Raises ``KeyError`` for a decision that was not read."""
        row = self.rows[decision_id]
        return _view(row, self._votes[row.round_id], self._orders.get(str(row.order_id)))


def explain(*, symbol: str, at: datetime | None, now: datetime) -> dict[str, Any]:
    """Everything that was decided about ``symbol`` in the bar that was current at ``at``: one decision a timeframe.
    Without ``at`` of the newest bar that was decided, or else of ``now``.

    ``NotFound`` with code ``unknown_instrument``. Where there is nothing, ``note`` says why.
    """
    market.instrument_rules(symbol)
    at = at or _newest_decided(symbol) or now
    newest: dict[str, Decision] = {}
    within = at - timedelta(days=2)
    for row in (
        all_decisions().filter(symbol=symbol, closed_at__lte=at, closed_at__gt=within).order_by("-closed_at")[:200]
    ):
        if row.closed_at + timeframes.span(row.timeframe) > at:
            newest.setdefault(row.timeframe, row)
    waiting = DecisionRound.objects.filter(symbol=symbol, state=RoundState.OPEN, closed_at__lte=at)
    decisions = shown(newest[name] for name in sorted(newest, key=timeframes.seconds))
    return {
        "instrument": symbol,
        "at": utc_text(at),
        "decisions": decisions,
        "open_rounds": [_round_view(row) for row in waiting.order_by("closed_at", "timeframe")],
        "note": "" if decisions else _why_nothing(symbol, at),
    }


def _newest_decided(symbol: str) -> datetime | None:
    return Decision.objects.filter(symbol=symbol).order_by("-closed_at").values_list("closed_at", flat=True).first()


def _why_nothing(symbol: str, at: datetime) -> str:
    newest = _newest_decided(symbol)
    oldest = Decision.objects.filter(symbol=symbol).order_by("closed_at").values_list("closed_at", flat=True).first()
    if newest is None or oldest is None:
        return f"Nothing has been decided about {symbol} yet."
    if at < oldest:
        return f"{NEVER_ASKED_HINT} The first decision was at {utc_text(oldest)}."
    return f"No bar was decided at that time. The newest decision about {symbol} was at {utc_text(newest)}."


def _round_view(row: DecisionRound) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "timeframe": row.timeframe,
        "closed_at": utc_text(row.closed_at),
        "deadline": utc_text(row.deadline_wall),
        "asked": [entry["name"] for entry in row.asked],
        "absent": row.absent,
    }


def _view(row: Decision, votes: Sequence[Vote], order: dict[str, Any] | None) -> dict[str, Any]:
    stood = _stood(row)
    return {
        "id": str(row.pk),
        "instrument": row.symbol,
        "timeframe": row.timeframe,
        "closed_at": utc_text(row.closed_at),
        "decided_at": utc_text(row.decided_wall),
        "outcome": row.outcome,
        "code": row.code,
        "reason": row.reason,
        "headline": row.headline
        if order is None
        else headline(outcome=row.outcome, reason=row.reason, votes=stood, order=facts_of(order)),
        "method": row.method,
        "rules": row.rules,
        "score": row.score,
        "target": row.target,
        "held": row.held,
        "expected_edge_bps": row.expected_edge_bps,
        "fee_bps": row.round.fee_bps,
        "volatility": row.round.volatility,
        "horizon_bars": row.horizon_bars,
        "asked": stood.asked,
        "opinions": row.opinions,
        "in_favour": row.in_favour,
        "votes": _votes(row, votes),
        "sizing": row.sizing,
        "verdicts": order["verdicts"] if order else [],
        "order_id": str(row.order_id) if row.order_id else None,
        "order": order,
        "correlation_id": row.correlation_id,
    }


def _stood(row: Decision) -> VoteFacts:
    pulled = [part for part in row.contributions if part["counted"] and part["share"] * row.score > 0.0]
    leader = min(pulled, key=lambda part: (-abs(part["share"]), part["name"])) if pulled else None
    return VoteFacts(
        asked=voters_of(row.round),
        in_favour=row.in_favour,
        leader=leader["name"] if leader else "",
        strength=abs(leader["direction"] * leader["confidence"]) if leader else 0.0,
    )


def _votes(row: Decision, votes: Sequence[Vote]) -> list[dict[str, Any]]:
    """One line an agent that subscribed: what it said and what that weighed, or why it said nothing."""
    parts = {part["agent_id"]: part for part in row.contributions}
    answers = {str(vote.agent_id): vote for vote in votes}
    lines = [_line(entry, answers.get(entry["agent_id"]), parts.get(entry["agent_id"])) for entry in row.round.asked]
    lines += [_absent_line(entry) for entry in row.round.absent]
    return sorted(lines, key=lambda line: str(line["agent"]))


def _line(asked: dict[str, Any], vote: Vote | None, part: dict[str, Any] | None) -> dict[str, Any]:
    line = {"agent_id": asked["agent_id"], "agent": asked["name"], "weight": asked["weight"], "voted": vote is not None}
    if vote is None:
        return line | {"counted": False, "share": 0.0, "note": "no answer in time", "reason": ""}
    return line | {
        "direction": vote.direction,
        "confidence": vote.confidence,
        "abstain": vote.abstain,
        "horizon_bars": vote.horizon_bars,
        "reason": vote.reason,
        "digest": vote.digest,
        "data_as_of": utc_text(vote.data_as_of),
        "expires_at": utc_text(vote.expires_at),
        "received_at": utc_text(vote.received_wall),
        "counted": bool(part and part["counted"]),
        "share": part["share"] if part else 0.0,
        "note": asked["benched_reason"] or (part["note"] if part else ""),
    }


def _absent_line(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "agent_id": entry["agent_id"],
        "agent": entry["name"],
        "weight": 0.0,
        "voted": False,
        "counted": False,
        "share": 0.0,
        "note": entry["reason"],
        "reason": "",
    }
