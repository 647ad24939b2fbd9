"""Agents as scaling judges them: what they take, how well they vote, whether they keep their deadlines."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.agents.domain.agent_resources import checked_resources, memory_bytes
from apps.agents.models import Agent, AgentScore, DecisionRound, DesiredState, RoundState, Vote

LOOKED_AT_ROUNDS = 2_000


@dataclass(frozen=True, slots=True)
class FleetMember:
    """One agent that was not destroyed. Brier score and what lies beside it are of its newest scoring with the settings
    that it has now, if any.
    """

    id: UUID
    name: str
    strategy: str
    desired_state: str
    origin: str
    drained_by_scaling: bool
    created_at: datetime
    memory_bytes: int
    cpus: float
    weight: float
    benched: bool
    brier: float | None
    opinions: int
    pnl_bps: float


@dataclass(frozen=True, slots=True)
class Punctuality:
    """In how many closed rounds an agent was asked, and in how many of them its vote did not come in time."""

    asked: int
    missed: int


def fleet_members() -> list[FleetMember]:
    """Every agent that is not destroyed, by name."""
    rows = list(Agent.objects.exclude(desired_state=DesiredState.DESTROYED).order_by("name"))
    scores = _newest_scores(rows)
    return [_member(row, scores.get(row.pk)) for row in rows]


def resources_of_a_new_agent() -> tuple[int, float]:
    """Memory in bytes and processors that an agent gets unless somebody says otherwise."""
    defaults = checked_resources({})
    return memory_bytes(defaults["memory"]), float(str(defaults["cpu"]))


def punctuality(*, since: datetime) -> dict[UUID, Punctuality]:
    """For each agent asked in a round that closed after ``since`` (wall clock): how often, and how often in vain."""
    rounds = DecisionRound.objects.filter(state=RoundState.CLOSED, closed_wall__gt=since).order_by("-closed_at")
    asked = dict(rounds.values_list("pk", "asked")[:LOOKED_AT_ROUNDS])
    voted = Counter(Vote.objects.filter(round_id__in=asked).values_list("agent_id", flat=True))
    times = Counter(UUID(entry["agent_id"]) for entries in asked.values() for entry in entries)
    return {agent_id: Punctuality(count, count - min(count, voted[agent_id])) for agent_id, count in times.items()}


def _newest_scores(rows: Sequence[Agent]) -> dict[UUID, AgentScore]:
    since = {row.pk: row.record_since for row in rows}
    newest = AgentScore.objects.filter(agent_id__in=since).order_by("agent_id", "-at").distinct("agent_id")
    return {score.agent_id: score for score in newest if score.since == since[score.agent_id]}


def _member(row: Agent, score: AgentScore | None) -> FleetMember:
    return FleetMember(
        id=row.pk,
        name=row.name,
        strategy=row.strategy,
        desired_state=row.desired_state,
        origin=row.origin,
        drained_by_scaling=bool(row.drain_reason),
        created_at=row.created_at,
        memory_bytes=memory_bytes(row.resources["memory"]),
        cpus=float(row.resources["cpu"]),
        weight=row.weight,
        benched=bool(row.benched_reason),
        brier=score.brier if score else None,
        opinions=score.opinions if score else 0,
        pnl_bps=score.pnl_bps if score else 0.0,
    )
