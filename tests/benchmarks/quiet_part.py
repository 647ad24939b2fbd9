"""``python -m tests.benchmarks.quiet_part NAME``: one part in a process of its own; its lines as JSON.

All but the backtests have servers of their own too; the failover has two firms.
"""

import importlib
import json
import sys
from contextlib import nullcontext
from dataclasses import asdict

from tests.benchmarks.quiet_house import quiet_house

PARTS = {
    "transaction": ("order_transaction", "run"),
    "accounts": ("order_transaction", "run_concurrent"),
    "history": ("order_history", "run"),
    "ledger": ("order_history", "verify_ledger"),
    "hop": ("task_hop", "run"),
    "redis": ("redis_hops", "run"),
    "venue": ("venue_order", "run"),
    "reconciliation": ("reconciliation", "run"),
    "converge": ("fleet_planning", "run"),
    "inference": ("inference_batches", "run"),
    "backtest": ("backtest_runs", "run"),
    "firm": ("firm_backtests", "run"),
    "peers": ("peer_backtests", "run"),
    "failover": ("failover", "run"),
}
WITHOUT_SERVERS = {"backtest", "firm", "peers", "failover"}


def main() -> None:
    module, name = PARTS[sys.argv[1]]
    with nullcontext() if sys.argv[1] in WITHOUT_SERVERS else quiet_house():
        lines = getattr(importlib.import_module(f"tests.benchmarks.{module}"), name)()
    print(json.dumps([asdict(line) for line in lines]))


if __name__ == "__main__":
    main()
