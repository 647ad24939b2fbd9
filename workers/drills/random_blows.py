"""What a soak does to a firm, drawn from a seed: kills, freezes and storms, with pauses between."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from workers.drills.desk_accounts import faults_struck
from workers.drills.drill_firm import DrillFirm
from workers.drills.scenario import Stage
from workers.drills.tcp_proxy import Weather

EXCHANGE = "exchange"
KILLED = ("execution-1", "execution-2", "guard", "core", "web", "beat", "agent-", "redis", "postgres", EXCHANGE)
FROZEN = ("execution-1", "execution-2", "core")
STORMS = (Weather.BLACKHOLE, Weather.SWALLOW_ANSWERS, Weather.REFUSE)
FREEZE_SECONDS, STORM_SECONDS, PAUSE_SECONDS = (3.0, 12.0), (1.0, 6.0), (2.0, 6.0)


@dataclass(slots=True)
class Blows:
    """Deals blows; the same seed draws the same ones. ``dealt`` and ``struck`` count them and the exchange's faults.

    ``arm`` arms these faults, anew after each kill of the exchange, which forgets them.
    """

    stage: Stage
    firm: DrillFirm
    arm: Callable[[], None]
    dealt: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)

    def deal(self, until: float) -> None:
        """Blows until ``until`` (monotonic seconds): every kind once in a shuffled order, then in another one."""
        draw = self.stage.random
        acts: list[Callable[[Random], None]] = [
            *((lambda _, name=name: self._kill(name)) for name in KILLED),
            self._freeze,
            *((lambda rolled, line=line: self._storm(line, rolled)) for line in self.firm.lines),
        ]
        waiting: list[Callable[[Random], None]] = []
        while time.monotonic() < until:
            if not waiting:
                waiting = draw.sample(acts, len(acts))
            waiting.pop()(draw)
            time.sleep(min(draw.uniform(*PAUSE_SECONDS), max(0.0, until - time.monotonic())))
        self.count_faults()

    def count_faults(self) -> None:
        """Add what the armed faults have done since they were armed."""
        self.struck.update(self.stage.wait(lambda: faults_struck(self.firm), 60, "the simulator to tell its faults"))

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
            self.stage.back(name, pid)
            self.stage.wait(lambda: self.firm.exchange("GET", "status"), 60, "the simulator to answer")
            self.arm()

    def _freeze(self, draw: Random) -> None:
        name, seconds = draw.choice(FROZEN), draw.uniform(*FREEZE_SECONDS)
        with self.firm.frozen(name):
            self._count(f"froze {name}", f" for {seconds:.1f} s")
            time.sleep(seconds)

    def _storm(self, line: str, draw: Random) -> None:
        weather, seconds = draw.choice(STORMS), draw.uniform(*STORM_SECONDS)
        with self.firm.storm(line, weather):
            self._count(f"{weather.replace('_', ' ')} before the {line}", f" for {seconds:.1f} s")
            time.sleep(seconds)

    def _count(self, what: str, more: str = "") -> None:
        self.dealt[what] += 1
        self.stage.step(f"{what}{more}.".capitalize())
