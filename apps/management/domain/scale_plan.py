"""How to get from the agents that run to a wished number and mix of strategies. Pure; the same input, the same plan."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

RUNNING = "running"
STARTABLE = frozenset({"draining", "stopped"})


class Member(Protocol):
    """An agent as the plan looks at it."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def strategy(self) -> str: ...
    @property
    def desired_state(self) -> str: ...
    @property
    def drained_by_scaling(self) -> bool: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def weight(self) -> float: ...
    @property
    def benched(self) -> bool: ...


Agent = TypeVar("Agent", bound=Member)


@dataclass(frozen=True, slots=True)
class Planned(Generic[Agent]):
    """One agent that is there, and why it is started, kept or drained."""

    agent: Agent
    reason: str


@dataclass(frozen=True, slots=True)
class Creation:
    """One agent to create, and why."""

    strategy: str
    reason: str


@dataclass(frozen=True, slots=True)
class ScalePlan(Generic[Agent]):
    """``created`` and ``started`` come on top of ``kept``, which together are the target; ``drained`` goes."""

    created: tuple[Creation, ...]
    started: tuple[Planned[Agent], ...]
    kept: tuple[Planned[Agent], ...]
    drained: tuple[Planned[Agent], ...]

    @property
    def changes_nothing(self) -> bool:
        """Whether what runs is what was asked for."""
        return not (self.created or self.started or self.drained)


def shares(target: int, distribution: Sequence[str]) -> Counter[str]:
    """How many agents each strategy gets: dealt in the list's order, so that the first ones get what is left over.

    A strategy that is named twice gets two shares.
    """
    each, left = divmod(target, len(distribution))
    dealt: Counter[str] = Counter()
    for place, strategy in enumerate(distribution):
        dealt[strategy] += each + (place < left)
    return dealt


def plan_scale(target: int, distribution: Sequence[str], members: Iterable[Agent]) -> ScalePlan[Agent]:
    """The plan that leaves ``target`` agents running, spread over ``distribution``.

    Of each strategy those with the best record stay. Before one is created, one that scaling drained earlier is
    started again: it keeps its record. What a person stopped stays stopped.
    """
    wanted = shares(target, distribution)
    everyone = list(members)
    running = [agent for agent in everyone if agent.desired_state == RUNNING]
    kept: list[Planned[Agent]] = []
    drained: list[Planned[Agent]] = []
    started: list[Planned[Agent]] = []
    created: list[Creation] = []
    for strategy in dict.fromkeys(distribution):
        there = sorted((agent for agent in running if agent.strategy == strategy), key=best_first)
        number = wanted[strategy]
        kept += [Planned(agent, _stays(agent, number)) for agent in there[:number]]
        drained += [Planned(agent, _goes(agent, number, len(there))) for agent in there[number:]]
        again = startable(everyone, strategy)[: max(0, number - len(there))]
        why = f"{_words(strategy)} is to have {number} and has {len(there)}"
        started += [Planned(agent, f"{why}; it was drained earlier and keeps its record.") for agent in again]
        created += [Creation(strategy, f"{why}.")] * (number - min(number, len(there)) - len(again))
    others = sorted((agent for agent in running if agent.strategy not in wanted), key=lambda agent: agent.name)
    drained += [Planned(agent, f"{_words(agent.strategy)} is not in the distribution.") for agent in others]
    return ScalePlan(tuple(created), tuple(started), tuple(kept), tuple(drained))


def best_first(agent: Member) -> tuple[bool, float, datetime, str]:
    """The order in which agents of one strategy deserve to stay: heard ones, by weight, the longest there first."""
    return agent.benched, -agent.weight, agent.created_at, agent.name


def startable(members: Iterable[Agent], strategy: str) -> list[Agent]:
    """Agents of this strategy that scaling drained and nobody started since; the best record first."""
    found = (
        agent
        for agent in members
        if agent.strategy == strategy and agent.desired_state in STARTABLE and agent.drained_by_scaling
    )
    return sorted(found, key=best_first)


def _stays(agent: Member, number: int) -> str:
    if number == 1:
        return f"The one {_words(agent.strategy)} agent that is asked for; weight {agent.weight:.2f}."
    return f"One of the {number} {_words(agent.strategy)} agents that are asked for; weight {agent.weight:.2f}."


def _goes(agent: Member, number: int, there: int) -> str:
    record = "this one is benched" if agent.benched else f"this one has weight {agent.weight:.2f}"
    return (
        f"{_words(agent.strategy)} is to have {number} and has {there}; {record}, the better and the older ones stay."
    )


def _words(strategy: str) -> str:
    return strategy.replace("_", " ")
