"""A soak: agents and a source of orders trade, everything fails by seed, then it is quiet, then all is compared."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from workers.drills.desk_accounts import (
    breaks_told,
    come_to_rest,
    compare_accounts,
    desk_names,
    open_desks,
    order_states,
    source_told,
    start_source,
)
from workers.drills.drill_firm import DrillFirm
from workers.drills.many_orders import FAULTS, arm_faults
from workers.drills.play import REST_SECONDS
from workers.drills.random_blows import Blows
from workers.drills.scenario import PASSING, DrillFailed, Stage

_CAUSES = "SELECT account, kind, reason FROM trading_statecause WHERE closed_wall IS NULL"
QUIET_SHARE, QUIET_LEAST, QUIET_MOST = 0.25, 60.0, 900.0


@dataclass(slots=True)
class Soak:
    """What came out of it; ``found`` are sentences. ``quiet_seconds`` at the end, nothing failed."""

    seed: int
    seconds: float
    quiet_seconds: float
    blows: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    converged_seconds: float | None = None
    breaks: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    steps: list[tuple[float, str]] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.found


def run(firm: DrillFirm, *, seconds: float, accounts: int, seed: int, told: Callable[[Stage], None]) -> Soak:
    """``seconds`` in all, the quiet ones at the end included; coming to rest takes more."""
    stage = Stage(firm, seed=seed, told=told)
    quiet = min(QUIET_MOST, max(QUIET_LEAST, QUIET_SHARE * seconds), seconds)
    outcome = Soak(seed, seconds, quiet, steps=stage.steps)
    names = desk_names(accounts)
    open_desks(firm, names)
    arm_faults(firm, seed)
    source = start_source(firm, f"--for-seconds={seconds}", f"--seed={seed}", "--threads=2")
    stage.step(f"{len(FAULTS)} kinds of faults are armed; agents and a source of orders trade for {seconds:.0f} s.")
    try:
        _storm_and_calm(stage, firm, outcome)
        outcome.source = source_told(source)
        _recover(stage, firm, names, outcome)
    except (DrillFailed, ChildProcessError, TimeoutError, *PASSING) as failure:
        outcome.found.append(str(failure) or repr(failure))
    finally:
        if source.poll() is None:
            source.kill()
            source.wait()
    return outcome


def _storm_and_calm(stage: Stage, firm: DrillFirm, outcome: Soak) -> None:
    """Blows until the quiet time begins; then every line is clear and the exchange does what it should."""
    blows = Blows(stage, firm, arm=lambda: arm_faults(firm, outcome.seed))
    try:
        blows.deal(time.monotonic() + outcome.seconds - outcome.quiet_seconds)
    finally:
        outcome.blows, outcome.faults = dict(blows.dealt.most_common()), dict(blows.struck.most_common())
    stage.heal()
    stage.step(f"It is quiet from here on; {sum(blows.dealt.values())} blows were dealt.")


def _recover(stage: Stage, firm: DrillFirm, names: list[str], outcome: Soak) -> None:
    """It trades again by itself, comes to rest when asked to, and its books are those of the exchange."""
    began = time.monotonic()
    causes: list[tuple[str, str, str]] = []

    def free() -> bool:
        causes[:] = firm.rows(_CAUSES)
        return not causes

    try:
        stage.wait(free, REST_SECONDS, "trading to be free on every account")
    except DrillFailed as failed:
        raise DrillFailed(f"{failed} {causes}") from failed
    stage.until(stage.buy(account=names[0]), "FILLED")
    for agent in firm.get("agents/")["results"]:
        firm.call("POST", f"agents/{agent['id']}/stop/", {"reason": "the end of the soak"})
    come_to_rest(firm, stage)
    outcome.converged_seconds = round(time.monotonic() - began, 1)
    outcome.found += [f"{account}: {text}" for account, text in compare_accounts(firm, [firm.account, *names])]
    outcome.states, outcome.breaks = order_states(firm), breaks_told(firm)
    if not outcome.found:
        stage.step("All invariants hold.")


def text_of(outcome: Soak) -> str:
    """The report for people."""
    rest = "never" if outcome.converged_seconds is None else f"{outcome.converged_seconds:.0f} s after the quiet time"
    told = {"Blows": outcome.blows, "Faults of the exchange": outcome.faults, "States": outcome.states}
    lines = [
        f"Soak of {outcome.seconds:.0f} s, seed {outcome.seed}: {'passed' if outcome.passed else 'FAILED'}.",
        f"The last {outcome.quiet_seconds:.0f} s were quiet. At rest {rest}.",
        *(
            f"{name}: {', '.join(f'{what} {count}' for what, count in counts.items())}."
            for name, counts in told.items()
        ),
        f"Source: {outcome.source}",
        *(f"  break  {text}" for text in outcome.breaks[:20]),
        *(f"  PROBLEM  {text}" for text in outcome.found[:40]),
    ]
    if not outcome.passed:
        lines += ["", *(f"  {at:7.1f} s  {text}" for at, text in outcome.steps)]
    return "\n".join(lines) + "\n"
