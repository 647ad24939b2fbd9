"""Agents as the API, the sockets and the screens show them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Subquery, Sum

from apps.agents.models import Agent, AgentScore, DecisionRound, DesiredState, Vote, VoteRefusal
from apps.agents.queries.agent_needs import needs_bars
from apps.agents.queries.find_agent import found_agent
from apps.agents.queries.heartbeats import Heartbeats, heartbeats
from apps.agents.queries.promotion_standings import Standing, promotion_standings
from apps.foundation.money import plain
from apps.foundation.time_text import utc_text
from apps.market import queries as market

FEWEST_VOTES = 60  # looked at per agent to find the newest one of each instrument


@dataclass(frozen=True, slots=True)
class DesiredAgent:
    """An agent as the fleet needs it: what shall run, with what. ``running``: its process shall live, be it only to
    finish the rounds that wait for it.
    """

    id: UUID
    name: str
    strategy: str
    timeframe: str
    instruments: tuple[str, ...]
    parameters: dict[str, Any]
    resources: dict[str, Any]
    running: bool


def desired_agents() -> list[DesiredAgent]:
    """Every agent that is not destroyed, by name."""
    rows = Agent.objects.exclude(desired_state=DesiredState.DESTROYED).order_by("name")
    return [
        DesiredAgent(
            id=row.pk,
            name=row.name,
            strategy=row.strategy,
            timeframe=row.timeframe,
            instruments=tuple(row.instruments),
            parameters=row.parameters,
            resources=row.resources,
            running=row.desired_state in {DesiredState.RUNNING, DesiredState.DRAINING},
        )
        for row in rows
    ]


def agent_card(agent_id: UUID) -> dict[str, Any]:
    """One agent; ``NotFound`` with code ``unknown_agent``."""
    return cards_of([found_agent(agent_id)])[0]


def agent_cards() -> list[dict[str, Any]]:
    """Every agent that is not destroyed, by name."""
    return cards_of(Agent.objects.exclude(desired_state=DesiredState.DESTROYED).order_by("name"))


def cards_of(rows: Iterable[Agent]) -> list[dict[str, Any]]:
    """The cards of these agents, in their order."""
    reading = CardReading(rows)
    return [reading.card(agent_id) for agent_id in reading.agents]


class CardReading:
    """What the cards of several agents show, read at once; each is made when it is asked for, so that one that can't
    be shown hides no other.
    """

    def __init__(self, rows: Iterable[Agent]) -> None:
        self.agents = {str(agent.pk): agent for agent in rows}
        ids = [agent.pk for agent in self.agents.values()]
        if not ids:
            return
        self._watched = market.watched_symbols()
        self._beats, self._scores = heartbeats(ids), _newest_scores(ids)
        self._votes = _newest_votes(ids, max(FEWEST_VOTES, len(self._watched)))
        refused = VoteRefusal.objects.filter(agent_id__in=ids).values_list("agent_id")
        self._refused = dict(refused.annotate(total=Sum("count")))
        self._warming, self._standings = _warming(ids), promotion_standings()

    @classmethod
    def of(cls, ids: Iterable[str]) -> "CardReading":
        """Of those of these agents that there are."""
        return cls(Agent.objects.filter(pk__in=list(ids)))

    def card(self, agent_id: str) -> dict[str, Any]:
        """Raises ``KeyError`` for an agent that was not read."""
        agent = self.agents[agent_id]
        warming, standing = self._warming.get(agent.pk), self._standings.get(agent.pk)
        return {
            **_settings(agent, self._watched),
            "heartbeat": self._beats.beats.get(agent.pk),
            "warming": warming,
            "activity": _activity(agent, self._beats, warming, standing),
            "votes": self._votes.get(agent.pk, []),
            "score": self._scores.get(agent.pk),
            "refused_votes": self._refused.get(agent.pk, 0),
            "promotion_stage": standing.stage if standing else None,
            "promotion_practice": standing is not None and standing.practice,
        }


def _settings(agent: Agent, watched: Sequence[str]) -> dict[str, Any]:
    return {
        "id": str(agent.pk),
        "name": agent.name,
        "type": agent.type,
        "strategy": agent.strategy,
        "instruments": agent.instruments or list(watched),
        "follows_watch_list": not agent.instruments,
        "timeframe": agent.timeframe,
        "parameters": agent.parameters,
        "needs_bars": needs_bars(agent),
        "resources": agent.resources,
        "desired_state": agent.desired_state,
        "origin": agent.origin,
        "drain_reason": agent.drain_reason or None,
        "weight": agent.weight,
        "may_veto": agent.may_veto,
        "benched_reason": agent.benched_reason or None,
        "budget": plain(agent.budget),
        "created_at": utc_text(agent.created_at),
        "changed_at": utc_text(agent.changed_at),
    }


def _activity(agent: Agent, beats: Heartbeats, warming: str | None, standing: Standing | None) -> str:
    """One word or phrase for the card: destroyed, stopped, draining, unknown, silent, raising, warming 37/200, benched,
    voting.
    """
    if agent.desired_state != DesiredState.RUNNING:
        return agent.desired_state
    if not beats.known:
        return "unknown"
    if agent.pk not in beats.beats:
        return "silent"
    if beats.beats[agent.pk].get("problem"):
        return "raising"
    if warming:
        return warming
    heard = standing is not None and standing.heard_in_practice
    return "benched" if agent.benched_reason and not heard else "voting"


def _newest_scores(ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    newest = AgentScore.objects.filter(agent=OuterRef("agent")).order_by("-at").values("pk")[:1]
    rows = AgentScore.objects.filter(agent_id__in=ids, pk=Subquery(newest))
    return {row.agent_id: score_view(row) for row in rows}


def score_view(row: AgentScore) -> dict[str, Any]:
    """One scoring as the API shows it; rates are None without any opinion."""
    return {
        "at": utc_text(row.at),
        "votes": row.votes,
        "opinions": row.opinions,
        "hits": row.hits,
        "hit_rate": row.hit_rate,
        "brier": row.brier,
        "pnl_bps": row.pnl_bps,
        "weight": row.weight,
        "benched_reason": row.benched_reason or None,
    }


def _newest_votes(ids: Sequence[UUID], looked_at: int) -> dict[UUID, list[dict[str, Any]]]:
    """The newest vote of each agent on each instrument, instruments sorted."""
    found: dict[UUID, dict[str, dict[str, Any]]] = defaultdict(dict)
    for agent_id in ids:
        for vote in Vote.objects.filter(agent_id=agent_id).select_related("round").order_by("-id")[:looked_at]:
            found[agent_id].setdefault(vote.round.symbol, vote_view(vote))
    return {agent_id: [by_symbol[name] for name in sorted(by_symbol)] for agent_id, by_symbol in found.items()}


def vote_view(vote: Vote) -> dict[str, Any]:
    """One vote as the API shows it; the returns that followed are None until they are known."""
    return {
        "id": vote.pk,
        "round_id": str(vote.round_id),
        "instrument": vote.round.symbol,
        "timeframe": vote.round.timeframe,
        "closed_at": utc_text(vote.round.closed_at),
        "direction": vote.direction,
        "confidence": vote.confidence,
        "abstain": vote.abstain,
        "horizon_bars": vote.horizon_bars,
        "expires_at": utc_text(vote.expires_at),
        "reason": vote.reason,
        "digest": vote.digest,
        "received_at": utc_text(vote.received_wall),
        "next_bar_bps": vote.next_bar_bps,
        "horizon_bps": vote.horizon_bps,
    }


def _warming(ids: Sequence[UUID]) -> dict[UUID, str]:
    """Who could not be asked in the newest bar, and how far it is: ``warming 37/200``."""
    newest = DecisionRound.objects.order_by("-closed_at").values_list("closed_at", flat=True).first()
    if newest is None:
        return {}
    wanted = {str(agent_id): agent_id for agent_id in ids}
    found: dict[UUID, str] = {}
    for row in DecisionRound.objects.filter(closed_at=newest).order_by("symbol"):
        for entry in row.absent:
            if entry["agent_id"] in wanted and entry["reason"].startswith("warming"):
                found.setdefault(wanted[entry["agent_id"]], entry["reason"])
    return found
