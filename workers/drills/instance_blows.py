"""What is done to three instances, drawn from a seed: houses die, stand still, lose a program or a line, also two at
once.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from random import Random

from workers.drills.drill_firm import DrillFirm
from workers.drills.scenario import Stage
from workers.drills.tcp_proxy import TcpProxy, Weather
from workers.drills.whole_house import dead, frozen

LEADER, OTHER, LABORATORY = "the leader", "the other", "the laboratory"
SERVERS = ("postgres", "exchange")  # the primary's supervisor runs them; they stand for what is on other machines
BRIDGE = "bridge"
PROGRAMS = ("execution", "core", "web", "guard", "beat", "redis")
STORMS = (Weather.BLACKHOLE, Weather.SWALLOW_ANSWERS, Weather.REFUSE)
PAUSE_SECONDS = (2.0, 8.0)
ALSO = 1 / 3  # how often a second house is struck at the same time
LAST_LEADER = "SELECT holder FROM foundation_lease ORDER BY epoch DESC, expires_at DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Blow:
    """``kind``: "dead", "frozen", "cut off" (``part``: from what) or "killed" (``part``: which program)."""

    target: str
    kind: str
    part: str = ""
    weather: Weather | None = None
    seconds: float = 0.0


_EVERY = (
    *((house, kind, "") for house in (LEADER, OTHER, LABORATORY) for kind in ("dead", "frozen")),
    (LEADER, "frozen", "execution"),
    *((LEADER, "cut off", line) for line in ("database", "exchange", "redis")),
    *((OTHER, "cut off", line) for line in ("database", "exchange")),
    (LABORATORY, "cut off", BRIDGE),
    *((house, "killed", "") for house in (LEADER, OTHER)),
)


def drawn_blows(draw: Random, seconds: tuple[float, float]) -> Iterator[tuple[Blow, ...]]:
    """Without end: one blow, or two at different houses at once. Each kind once in a shuffled order, then in another.

    ``seconds``: how long one lasts at least and at most.
    """
    while True:
        left = draw.sample(_EVERY, len(_EVERY))
        while left:
            at_once = [left.pop()]
            beside = next((each for each in left if each[0] != at_once[0][0]), None)
            if beside is not None and draw.random() < ALSO:
                left.remove(beside)
                at_once.append(beside)
            yield tuple(_drawn(draw, each, seconds) for each in at_once)


def _drawn(draw: Random, wanted: tuple[str, str, str], seconds: tuple[float, float]) -> Blow:
    target, kind, part = wanted
    if kind == "killed":
        return Blow(target, kind, draw.choice(PROGRAMS))
    weather = draw.choice(STORMS) if kind == "cut off" else None
    return Blow(target, kind, part, weather, draw.uniform(*seconds))


@dataclass(slots=True)
class InstanceBlows:
    """Deals blows to the two ``houses`` by their names, and to the ``laboratory`` and its line. ``dealt`` counts."""

    stage: Stage
    houses: Mapping[str, DrillFirm]
    laboratory: DrillFirm
    bridge: TcpProxy
    dealt: Counter[str] = field(default_factory=Counter)

    def deal(self, until: float, seconds: tuple[float, float]) -> None:
        """Blows until ``until`` (monotonic seconds); those under way then are ended in their time."""
        with ThreadPoolExecutor(2) as pool:
            for at_once in drawn_blows(self.stage.random, seconds):
                if time.monotonic() >= until:
                    return
                leader = self.leader()
                list(pool.map(lambda blow, leader=leader: self._deal(blow, leader), at_once))
                time.sleep(min(self.stage.random.uniform(*PAUSE_SECONDS), max(0.0, until - time.monotonic())))

    def leader(self) -> str:
        """Who leads, or led last."""
        return str(next(iter(self.houses.values())).rows(LAST_LEADER)[0][0])

    def other(self, leader: str) -> str:
        return next(name for name in self.houses if name != leader)

    @contextmanager
    def struck(self, name: str, kind: str) -> Iterator[None]:
        """The house of this name is "dead" or "frozen" till the end."""
        firm = self.houses.get(name, self.laboratory)
        spare = SERVERS if firm is next(iter(self.houses.values())) else ()
        with (dead if kind == "dead" else frozen)(firm, spare=spare):
            yield

    def _deal(self, blow: Blow, leader: str) -> None:
        name = {LEADER: leader, OTHER: self.other(leader), LABORATORY: LABORATORY}[blow.target]
        self.dealt[f"{blow.target} {blow.kind}{f' {blow.part}' if blow.part else ''}"] += 1
        if blow.kind == "killed":
            self._kill(name, blow.part)
            return
        with self._blow(blow, name):
            self.stage.step(f"{_words(blow, name)}, for {blow.seconds:.0f} s.")
            time.sleep(blow.seconds)

    def _blow(self, blow: Blow, name: str) -> AbstractContextManager[object]:
        if blow.weather is None and not blow.part:
            return self.struck(name, blow.kind)
        if blow.weather is None:
            return self.houses[name].frozen(blow.part)
        if blow.part == BRIDGE:
            return _storm(self.bridge, blow.weather)
        return self.houses[name].storm(blow.part, blow.weather)

    def _kill(self, name: str, program: str) -> None:
        pid = self.houses[name].running(program)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        self.stage.step(f"{program} of {name} {'was down already' if pid is None else 'was killed'}.")


@contextmanager
def _storm(line: TcpProxy, weather: Weather) -> Iterator[None]:
    line.weather = weather
    try:
        yield
    finally:
        line.clear()


def _words(blow: Blow, name: str) -> str:
    subject = f"{name[0].upper()}{name[1:]}" if name == LABORATORY else f"{name} ({blow.target.removeprefix('the ')})"
    if blow.weather is not None:
        return f"{subject} is cut off from its {blow.part} ({blow.weather.replace('_', ' ')})"
    return f"{subject}{f': {blow.part}' if blow.part else ''} is {blow.kind}"
