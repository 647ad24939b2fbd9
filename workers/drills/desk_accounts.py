"""Accounts at the simulator besides the house's own, a source of orders for them, and the comparison of all books."""

import base64
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from apps.foundation.private_files import write_private
from workers.drills.drill_firm import ROOT, DrillFirm
from workers.drills.invariants import check_invariants, requests_there
from workers.drills.scenario import Stage

SYMBOLS = tuple(
    "BTC ETH SOL XRP ADA DOGE AVAX DOT LINK LTC BCH UNI ATOM ETC FIL NEAR APT ARB OP INJ SUI SEI TIA AAVE".split()  # noqa: SIM905
)
CAPITAL = "100000"  # of each account, here and at the exchange
REST_SECONDS = 420
SETTLE_SECONDS = 60
_WAITING = (
    "SELECT count(*) FROM trading_order WHERE state NOT IN "
    "('ARMED', 'FILLED', 'CANCELED', 'EXPIRED', 'REJECTED', 'DENIED', 'NOT_PLACED')"
)
_UNTOLD = "SELECT count(*) FROM foundation_outbox_event WHERE published_at IS NULL"
_PASSED = "SELECT count(*) FROM trading_accountreconciliation WHERE passed_wall IS NOT NULL AND account_id = ANY(%s)"


def desk_names(accounts: int) -> list[str]:
    """What these accounts are called."""
    return [f"desk-{number}" for number in range(1, accounts + 1)]


def prepare_desks(firm: DrillFirm, accounts: int, seed: int) -> None:
    """Write the accounts that the simulator is to have, before the firm starts."""
    names = [("simulated", "1000"), *((name, CAPITAL) for name in desk_names(accounts))]
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


def open_desks(firm: DrillFirm, names: list[str]) -> None:
    """Open them in the firm and wait until each was compared with the exchange."""
    order_source(firm, "--open")
    firm.wait(lambda: firm.rows(_PASSED, names)[0][0] == len(names), 240, "the accounts to be compared once")


def order_source(firm: DrillFirm, *words: str) -> dict[str, Any]:
    """Run the source of orders to its end; what it counted."""
    return source_told(start_source(firm, *words))


def start_source(firm: DrillFirm, *words: str, **environment: str) -> "subprocess.Popen[str]":
    """Start the source of orders beside the firm."""
    command = [sys.executable, "-m", "workers.drills.order_source", *words]
    given = {**firm.environment, **environment}
    return subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=ROOT, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def source_told(source: "subprocess.Popen[str]") -> dict[str, Any]:
    """Wait for its end; what it counted. Raises ``ChildProcessError`` when it failed."""
    told, errors = source.communicate()
    if source.returncode != 0:
        raise ChildProcessError(f"The source of orders ended with {source.returncode}: {errors[-1500:]}")
    lines = [line for line in told.splitlines() if line.startswith('{"seconds"')]
    return dict(json.loads(lines[-1])) if lines else {}


def come_to_rest(firm: DrillFirm, stage: Stage) -> None:
    """End the faults, cancel what rests, wait until no order is at work and every event was told."""
    stage.heal()
    order_source(firm, "--finish")
    stage.wait(lambda: firm.rows(_WAITING)[0][0] == 0, REST_SECONDS, "all orders to end")
    stage.wait(lambda: firm.rows(_UNTOLD)[0][0] == 0, REST_SECONDS, "all events to be told")
    stage.step("Everything has come to rest.")


def compare_accounts(firm: DrillFirm, names: Sequence[str]) -> list[tuple[str, str]]:
    """What is wrong with each account's books, as (account, finding); asked again for a while where it may pass."""
    house, found, requests = firm.account, [], requests_there(firm)
    try:
        for firm.account in names:
            deadline = time.monotonic() + SETTLE_SECONDS
            while (problems := check_invariants(firm, requests)) and time.monotonic() < deadline:
                time.sleep(2)
                requests = requests_there(firm)
            found += [(firm.account, text) for text in problems]
    finally:
        firm.account = house
    return found


def order_states(firm: DrillFirm) -> dict[str, int]:
    """How many orders ended how."""
    return dict(firm.rows("SELECT state, count(*) FROM trading_order GROUP BY 1 ORDER BY 1"))


def breaks_told(firm: DrillFirm) -> list[str]:
    """All breaks, as sentences."""
    rows = firm.rows("SELECT account_id, kind, state, detail FROM trading_reconciliationbreak ORDER BY opened_wall")
    return [f"{account}: {kind} {state}: {detail}" for account, kind, state, detail in rows]


def faults_struck(firm: DrillFirm) -> dict[str, int]:
    """How often each armed fault of the exchange struck."""
    counts: dict[str, int] = {}
    for fault in firm.exchange("GET", "faults")["armed"]:
        name = f"{fault['kind']} on {'|'.join(fault['on'])}"
        counts[name] = counts.get(name, 0) + fault["struck"]
    return counts
