"""Desired containers against those that run: what to start, stop, replace. Pure; the same input, the same plan."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Act(StrEnum):
    """What to do with one container."""

    STOP = "stop"
    REPLACE = "replace"
    START = "start"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A container that shall run; ``digest`` changes with anything it is made of."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Present:
    """A container of ours that exists; ``running`` also while the runtime itself restarts it."""

    name: str
    digest: str
    running: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One act on one container, and why."""

    act: Act
    name: str
    reason: str


def plan_fleet(
    wanted: Iterable[Wanted],
    present: Iterable[Present],
    *,
    quarantined: Collection[str] = (),
    resting: Collection[str] = (),
    unhealthy: Collection[str] = (),
) -> tuple[Step, ...]:
    """The steps that lead from ``present`` to ``wanted``: stops first, then replacements, then starts, each by name.

    ``quarantined`` ones are stopped and stay so; ``resting`` ones ended by themselves and wait for their next try;
    ``unhealthy`` ones run without progress and are replaced. A container that is not ours must not be passed in.
    """
    wishes = {one.name: one for one in wanted}
    found = {one.name: one for one in present}
    stops = [_stop(name, name in wishes) for name in sorted(found) if name not in wishes or name in quarantined]
    kept = [name for name in sorted(wishes) if name not in quarantined]
    replaced = [step for name in kept if (step := _replace(wishes[name], found.get(name), unhealthy)) is not None]
    started = [
        Step(Act.START, name, "It is wanted and does not run.")
        for name in kept
        if not (name in found and found[name].running) and name not in resting and not _has(replaced, name)
    ]
    return (*stops, *replaced, *started)


def _stop(name: str, wanted: bool) -> Step:
    return Step(Act.STOP, name, "It is in quarantine." if wanted else "It is not wanted.")


def _replace(wish: Wanted, found: Present | None, unhealthy: Collection[str]) -> Step | None:
    if found is None:
        return None
    if found.digest != wish.digest:
        return Step(Act.REPLACE, wish.name, "Its settings changed.")
    if wish.name in unhealthy and found.running:
        return Step(Act.REPLACE, wish.name, "It runs but makes no progress.")
    return None


def _has(steps: Iterable[Step], name: str) -> bool:
    return any(step.name == name for step in steps)
