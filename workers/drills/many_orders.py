"""Many orders over several accounts at an exchange that fails at random, then the comparison of all books."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from workers.drills.desk_accounts import (
    breaks_told,
    come_to_rest,
    compare_accounts,
    desk_names,
    faults_struck,
    open_desks,
    order_states,
    source_told,
    start_source,
)
from workers.drills.drill_firm import DrillFirm
from workers.drills.scenario import Stage

FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "reset", "on": "create", "probability": 0.010},
    {"kind": "reset", "on": "create", "probability": 0.005, "executed": False},
    {"kind": "status", "on": "create", "probability": 0.005, "status": 503, "executed": True},
    {"kind": "status", "on": "create", "probability": 0.005, "status": 504, "executed": False},
    {"kind": "fill_then_timeout", "on": "create", "probability": 0.002, "seconds": 2},
    {"kind": "duplicate_client_id", "on": "create", "probability": 0.003},
    {"kind": "lag", "on": "create", "probability": 0.010, "seconds": 4},
    {"kind": "latency", "on": "create|cancel|query", "probability": 0.020, "seconds": 0.3},
    {"kind": "latency", "on": "create", "probability": 0.010, "seconds": 0.3, "when": "after"},
    {"kind": "partial_fill", "on": "create", "probability": 0.050, "share": 0.5},
    {"kind": "late_fill", "on": "cancel", "probability": 0.050, "seconds": 2},
    {"kind": "timeout", "on": "cancel", "probability": 0.020, "seconds": 2},
    {"kind": "timeout", "on": "cancel", "probability": 0.020, "seconds": 2, "executed": False},
    {"kind": "outage", "on": "query", "probability": 0.005},
    {"kind": "drop_event", "on": "stream", "probability": 0.020},
    {"kind": "duplicate_event", "on": "stream", "probability": 0.020},
    {"kind": "reorder_events", "on": "stream", "probability": 0.020},
    {"kind": "delay_event", "on": "stream", "probability": 0.010, "seconds": 3},
)
LOOK_SECONDS, TELL_SECONDS = 0.5, 30.0
_PROGRESS = (
    "SELECT count(*) FILTER (WHERE submitted_wall IS NOT NULL), count(*) FILTER (WHERE state = 'APPROVED') "
    "FROM trading_order WHERE NOT is_protective"
)
STRUCK = ("duplicates", "orphans", "differences", "other")
_KIND = {"I6": "duplicates", "I7": "orphans", "I1": "differences", "I2": "differences", "I3": "differences"}


@dataclass(slots=True)
class ManyOrders:
    """What came out of it; ``found`` by kind, each a list of sentences."""

    orders: int
    seed: int
    seconds: float = 0.0
    converged_seconds: float = 0.0
    source: dict[str, Any] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    found: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in STRUCK})
    breaks: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not any(self.found.values())


def arm_faults(firm: DrillFirm, seed: int) -> None:
    """Every kind of fault with its small probability, drawn from the seed."""
    firm.exchange("POST", "seed", {"seed": seed})
    for fault in FAULTS:
        firm.exchange("POST", "faults", fault)


def run(firm: DrillFirm, *, orders: int, accounts: int, seed: int, told: Callable[[Stage], None]) -> ManyOrders:
    """Propose, let everything fail at random, let it come to rest, compare."""
    outcome, stage = ManyOrders(orders, seed), Stage(firm, seed=seed, told=told)
    names = desk_names(accounts)
    open_desks(firm, names)
    arm_faults(firm, seed)
    stage.step(f"{len(FAULTS)} kinds of faults are armed; {orders} orders are proposed.")
    began = time.monotonic()
    outcome.source = _proposed(firm, stage, orders, seed)
    outcome.seconds = round(time.monotonic() - began, 1)
    stage.step(f"Proposed in {outcome.seconds:.0f} s ({orders / outcome.seconds:.1f} a second).")
    outcome.faults = faults_struck(firm)
    come_to_rest(firm, stage)
    outcome.converged_seconds = round(time.monotonic() - began - outcome.seconds, 1)
    for account, text in compare_accounts(firm, names):
        outcome.found[_KIND.get(text.split(" ")[0], "other")].append(f"{account}: {text}")
    outcome.states, outcome.breaks = order_states(firm), breaks_told(firm)
    return outcome


def _proposed(firm: DrillFirm, stage: Stage, orders: int, seed: int) -> dict[str, Any]:
    """Run the source of orders to its end and say now and then how far it has come."""
    source, told = start_source(firm, f"--orders={orders}", f"--seed={seed}"), time.monotonic()
    while source.poll() is None:
        time.sleep(LOOK_SECONDS)
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            sent, waiting = firm.rows(_PROGRESS)[0]
            stage.step(f"{sent} of {orders} orders were sent; {waiting} wait for the executor.")
    return source_told(source)


def text_of(outcome: ManyOrders) -> str:
    """The report for people."""
    found = ", ".join(f"{len(outcome.found[kind])} {kind}" for kind in STRUCK)
    lines = [
        f"{outcome.orders} orders, seed {outcome.seed}: {found}.",
        f"Proposed in {outcome.seconds:.0f} s ({outcome.orders / max(outcome.seconds, 0.1):.1f} a second).",
        f"At rest {outcome.converged_seconds:.0f} s after the faults.",
        f"States: {', '.join(f'{name} {count}' for name, count in outcome.states.items())}.",
        f"Source: {outcome.source}",
        "Faults that struck: " + ", ".join(f"{name} {count}" for name, count in outcome.faults.items()) + ".",
        *(f"  break  {text}" for text in outcome.breaks[:20]),
        *(f"  {kind}  {text}" for kind in STRUCK for text in outcome.found[kind][:20]),
    ]
    return "\n".join(lines) + "\n"
