"""Many orders over several accounts at an exchange that fails at random, then the comparison of all books."""

import base64
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apps.foundation.private_files import write_private
from workers.drills.drill_firm import ROOT, DrillFirm
from workers.drills.invariants import check_invariants
from workers.drills.scenario import Stage

SYMBOLS = tuple(
    "BTC ETH SOL XRP ADA DOGE AVAX DOT LINK LTC BCH UNI ATOM ETC FIL NEAR APT ARB OP INJ SUI SEI TIA AAVE".split()  # noqa: SIM905
)
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
CAPITAL = "100000"  # of each account, here and at the exchange
REST_SECONDS = 420
STRUCK = ("duplicates", "orphans", "differences", "other")
_KIND = {"I6": "duplicates", "I7": "orphans", "I1": "differences", "I2": "differences", "I3": "differences"}
_WAITING = (
    "SELECT count(*) FROM trading_order WHERE state NOT IN "
    "('ARMED', 'FILLED', 'CANCELED', 'EXPIRED', 'REJECTED', 'DENIED', 'NOT_PLACED')"
)


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


def prepare(firm: DrillFirm, accounts: int, seed: int) -> None:
    """Write the accounts that the simulator is to have, before the firm starts."""
    names = [("simulated", "1000"), *((f"desk-{number}", CAPITAL) for number in range(1, accounts + 1))]
    made = [
        {
            "name": name,
            "key": secrets.token_hex(24),
            "secret": base64.b64encode(secrets.token_bytes(48)).decode(),
            "balances": {"USDT": capital},
        }
        for name, capital in names
    ]
    folder = firm.home / "simulated"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(folder / "accounts.json", json.dumps(made))
    firm.environment["SIMULATED_SEED"] = str(seed % 2**31)


def run(firm: DrillFirm, *, orders: int, accounts: int, seed: int, told: Callable[[Stage], None]) -> ManyOrders:
    """Propose, let everything fail at random, let it come to rest, compare."""
    outcome, stage = ManyOrders(orders, seed), Stage(firm, seed=seed, told=told)
    _source(firm, "--open")
    names = [f"desk-{number}" for number in range(1, accounts + 1)]
    firm.wait(lambda: _all_reconciled(firm, names), 120, "the accounts to be compared for the first time")
    firm.exchange("POST", "seed", {"seed": seed})
    for fault in FAULTS:
        firm.exchange("POST", "faults", fault)
    stage.step(f"{len(FAULTS)} kinds of faults are armed; {orders} orders are proposed.")
    began = time.monotonic()
    outcome.source = _source(firm, f"--orders={orders}", f"--seed={seed}")
    outcome.seconds = round(time.monotonic() - began, 1)
    stage.step(f"Proposed in {outcome.seconds:.0f} s ({orders / outcome.seconds:.1f} a second).")
    armed = firm.exchange("GET", "faults")["armed"]
    for fault in armed:
        name = f"{fault['kind']} on {'|'.join(fault['on'])}"
        outcome.faults[name] = outcome.faults.get(name, 0) + fault["struck"]
    _come_to_rest(firm, stage)
    outcome.converged_seconds = round(time.monotonic() - began - outcome.seconds, 1)
    _compare(firm, names, outcome)
    return outcome


def _source(firm: DrillFirm, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "workers.drills.order_source", *words]
    done = subprocess.run(command, cwd=ROOT, env=firm.environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise ChildProcessError(f"The source of orders ended with {done.returncode}: {done.stderr[-1500:]}")
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"seconds"')]
    return dict(json.loads(lines[-1])) if lines else {}


def _all_reconciled(firm: DrillFirm, names: list[str]) -> bool:
    query = "SELECT count(*) FROM trading_accountreconciliation WHERE passed_wall IS NOT NULL AND account_id = ANY(%s)"
    return bool(firm.rows(query, names)[0][0] == len(names))


def _come_to_rest(firm: DrillFirm, stage: Stage) -> None:
    stage.heal()
    _source(firm, "--finish")
    stage.wait(lambda: firm.rows(_WAITING)[0][0] == 0, REST_SECONDS, "all orders to end")
    untold = "SELECT count(*) FROM foundation_outbox_event WHERE published_at IS NULL"
    stage.wait(lambda: firm.rows(untold)[0][0] == 0, REST_SECONDS, "all events to be told")
    stage.step("Everything has come to rest.")


def _compare(firm: DrillFirm, names: list[str], outcome: ManyOrders) -> None:
    house = firm.account
    try:
        for firm.account in names:
            deadline = time.monotonic() + 60
            while (problems := check_invariants(firm)) and time.monotonic() < deadline:
                time.sleep(2)
            for text in problems:
                outcome.found[_KIND.get(text.split(" ")[0], "other")].append(f"{firm.account}: {text}")
    finally:
        firm.account = house
    outcome.states = dict(firm.rows("SELECT state, count(*) FROM trading_order GROUP BY 1 ORDER BY 1"))
    rows = firm.rows("SELECT account_id, kind, state, detail FROM trading_reconciliationbreak ORDER BY opened_wall")
    outcome.breaks = [f"{account}: {kind} {state}: {detail}" for account, kind, state, detail in rows]


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
