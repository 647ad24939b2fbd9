"""Play one drill: the fault, the recovery, and the check of everything that must hold afterwards."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog

from apps.foundation.errors import HQError
from workers.drills.invariants import check_invariants
from workers.drills.scenario import PASSING, DrillFailed, Firm, Scenario, Stage

REST_SECONDS = 150
OPEN_NOW = (
    "SELECT count(*) FROM trading_order WHERE account_id = %s AND state IN ('SUBMITTING', 'UNKNOWN', 'PENDING_CANCEL', "
    "'APPROVED')"
)
UNTOLD = "SELECT count(*) FROM foundation_outbox_event WHERE published_at IS NULL"
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Result:
    """How a drill went. ``recovery_seconds``: from the end of the fault until the firm was at rest again."""

    code: str
    title: str
    seed: int
    passed: bool = False
    seconds: float = 0.0
    recovery_seconds: float | None = None
    problems: list[str] = field(default_factory=list)
    steps: list[tuple[float, str]] = field(default_factory=list)

    def view(self) -> dict[str, Any]:
        return asdict(self)


def play(
    scenario: Scenario, firm: Firm, *, seed: int, full: bool = False, told: Callable[[Stage], None] | None = None
) -> Result:
    """Play it on this firm; what went wrong is in the result, faults are gone afterwards."""
    stage = Stage(firm, seed=seed, full=full, told=told)
    result = Result(scenario.code, scenario.title, seed, steps=stage.steps)
    try:
        firm.make_room()
        scenario.run(stage)
        come_to_rest(stage)
        result.problems = settled_problems(stage)
    except (DrillFailed, HQError, TimeoutError, *PASSING) as failure:
        result.problems = [str(failure) or repr(failure)]
        stage.step(f"It failed: {result.problems[0][:300]}")
        _leave_tidy(stage)
    result.passed = not result.problems
    result.seconds = round(time.monotonic() - stage.began, 1)
    if stage.healed_at is not None:
        result.recovery_seconds = round(time.monotonic() - stage.healed_at, 1)
    return result


def come_to_rest(stage: Stage) -> None:
    """End the faults and wait until nothing is on its way and trading is free."""
    stage.heal()
    stage.wait(lambda: stage.firm.rows(OPEN_NOW, stage.firm.account)[0][0] == 0, REST_SECONDS, "all orders to settle")
    stage.wait(lambda: stage.trading_state() == "ACTIVE", REST_SECONDS, "trading to be free")
    stage.wait(lambda: stage.firm.rows(UNTOLD)[0][0] == 0, REST_SECONDS, "all events to be told")
    stage.step("The firm is at rest.")


def settled_problems(stage: Stage, seconds: float = 30) -> list[str]:
    """What is wrong; asked again for a while, since the exchange may have moved between two looks."""
    deadline = time.monotonic() + seconds
    while problems := check_invariants(stage.firm):
        if time.monotonic() > deadline:
            return problems
        time.sleep(1)
    stage.step("All invariants hold.")
    return []


def _leave_tidy(stage: Stage) -> None:
    try:
        stage.heal()
    except DrillFailed as failure:
        log.warning("drill_left_faults", reason=str(failure))
