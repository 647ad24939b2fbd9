"""What a soak does to a firm, drawn from a seed: kills, freezes and storms, with pauses between."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from workers.drills.desk_accounts import faults_struck
from workers.drills.drill_firm import DrillFirm
from workers.drills.scenario import Stage
from workers.drills.tcp_proxy import Weather

EXCHANGE = "exchange"
EXECUTORS = ("execution-1", "execution-2")
KILLED = (*EXECUTORS, "guard", "core", "web", "beat", "agent-", "redis", "postgres", EXCHANGE)
FROZEN = (*EXECUTORS, "core")
LINES = ("exchange", "database", "redis")
STORMS = (Weather.BLACKHOLE, Weather.SWALLOW_ANSWERS, Weather.REFUSE)
FREEZE_SECONDS, STORM_SECONDS, PAUSE_SECONDS = (3.0, 12.0), (1.0, 6.0), (3.0, 10.0)
BACK_SECONDS = 240  # on a machine that has other things to do, and where everything restarts at once


@dataclass(frozen=True, slots=True)
class Blow:
    """``target`` is a program, or a line where there is ``weather``. Without ``seconds`` it is a kill."""

    target: str
    pause: float
    seconds: float = 0.0
    weather: Weather | None = None


def drawn_blows(draw: Random) -> Iterator[Blow]:
    """Blows without end: every kill, one freeze and a storm on each line in a shuffled order, then in another one."""
    while True:
        for kind, target in draw.sample(_EVERY_KIND, len(_EVERY_KIND)):
            pause = draw.uniform(*PAUSE_SECONDS)
            if kind == "freeze":
                yield Blow(draw.choice(FROZEN), pause, draw.uniform(*FREEZE_SECONDS))
            elif kind == "storm":
                yield Blow(target, pause, draw.uniform(*STORM_SECONDS), draw.choice(STORMS))
            else:
                yield Blow(target, pause)


_EVERY_KIND = (*(("kill", name) for name in KILLED), ("freeze", ""), *(("storm", line) for line in LINES))


@dataclass(slots=True)
class Blows:
    """Deals blows; ``dealt`` and ``struck`` count them and the exchange's faults.

    ``arm`` arms these faults, anew after each kill of the exchange, which forgets them.
    """

    stage: Stage
    firm: DrillFirm
    arm: Callable[[], None]
    dealt: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)

    def deal(self, until: float) -> None:
        """Blows until ``until`` (monotonic seconds)."""
        for blow in drawn_blows(self.stage.random):
            if time.monotonic() >= until:
                break
            if blow.weather is not None:
                self._storm(blow.target, blow.weather, blow.seconds)
            elif blow.seconds:
                self._freeze(blow.target, blow.seconds)
            else:
                self._kill(blow.target)
            time.sleep(min(blow.pause, max(0.0, until - time.monotonic())))
        self.count_faults()

    def count_faults(self) -> None:
        """Add what the armed faults have done since they were armed."""
        self.struck.update(
            self.stage.wait(lambda: faults_struck(self.firm), BACK_SECONDS, "the simulator to tell its faults")
        )

    def _kill(self, name: str) -> None:
        pid = self.firm.running(name)
        if pid is None:
            self._count(f"{name} was down already")
            return
        if name == EXCHANGE:
            self.count_faults()
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            self._count(f"{name} was down already")
            return
        self._count(f"killed {name}")
        if name == EXCHANGE:
            self.stage.back(name, pid, BACK_SECONDS)
            self.stage.wait(lambda: self.firm.exchange("GET", "status"), BACK_SECONDS, "the simulator to answer")
            self.arm()

    def _freeze(self, name: str, seconds: float) -> None:
        with self.firm.frozen(name):
            self._count(f"froze {name}", f" for {seconds:.1f} s")
            time.sleep(seconds)

    def _storm(self, line: str, weather: Weather, seconds: float) -> None:
        with self.firm.storm(line, weather):
            self._count(f"line to {line}: {weather.replace('_', ' ')}", f" for {seconds:.1f} s")
            time.sleep(seconds)

    def _count(self, what: str, more: str = "") -> None:
        self.dealt[what] += 1
        self.stage.step(f"{what[0].upper()}{what[1:]}{more}.")
