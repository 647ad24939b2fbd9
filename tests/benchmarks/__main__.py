"""``python -m tests.benchmarks [part ...]``: prints ratios against the bare parts, measured in turns in one run.

Parts on a running firm: memory, order, fan-out, blocked, bar, start; on one with 64 instruments: chain; on one with its
agents in containers, which needs a Docker engine: deploy, emergency; on servers of their own, one after another, each
in a process of its own: transaction, accounts, history, ledger, hop, redis, venue, reconciliation, converge, inference;
without any: backtest, firm, peers; on two firms: failover. Nothing here passes or fails: a busy machine must not turn a
build red.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.benchmarks import bar_to_fill, container_fleet, fan_out, footprint, order_api, quote_to_frame
from tests.benchmarks.measure import Line, table
from tests.benchmarks.quiet_part import PARTS as QUIET
from tests.support.agent_image import agent_image
from tests.support.requirements import no_docker
from tests.support.running_firm import RunningFirm

FirmParts = Mapping[str, Callable[[RunningFirm], list[Line]]]

PARTS: FirmParts = {
    "memory": footprint.memory,
    "order": order_api.run,
    "fan-out": fan_out.run,
    "blocked": fan_out.run_blocked,
    "bar": bar_to_fill.run,
    "start": footprint.warm_start,
}
WITH_MANY: FirmParts = {"chain": quote_to_frame.run}
IN_CONTAINERS: FirmParts = {"deploy": container_fleet.deploy, "emergency": container_fleet.emergency}


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the firm is stopped too
    known = [*PARTS, *WITH_MANY, *IN_CONTAINERS, *QUIET]
    wanted = sys.argv[1:] or known
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise SystemExit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(known)}.")
    lines: list[Line] = []
    for part in [name for name in wanted if name in QUIET]:
        lines += _told(_quiet(part))
    if with_firm := {name: PARTS[name] for name in wanted if name in PARTS}:
        lines += _on_a_firm(with_firm)
    if with_many := {name: WITH_MANY[name] for name in wanted if name in WITH_MANY}:
        lines += _on_a_firm(with_many, **quote_to_frame.REACH)
    if with_engine := {name: IN_CONTAINERS[name] for name in wanted if name in IN_CONTAINERS}:
        lines += _on_an_engine(with_engine)
    print(table(lines))


def _quiet(part: str) -> list[Line]:
    print(f"measuring {part} ...", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "tests.benchmarks.quiet_part", part]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [Line(**line) for line in json.loads(answer.splitlines()[-1])]


def _told(found: list[Line]) -> list[Line]:
    """Said at once, since a later part may fail."""
    print(table(found), file=sys.stderr, flush=True)
    return found


def _on_an_engine(wanted: FirmParts) -> list[Line]:
    missing = no_docker()
    if missing:
        return [Line(name, f"not measured: {missing}", "", "", "") for name in wanted]
    agent_image()
    return _on_a_firm(wanted, **container_fleet.REACH)


def _on_a_firm(wanted: FirmParts, **environment: str) -> list[Line]:
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="hq-bench-") as folder:
        Path(folder).chmod(0o755)
        firm = RunningFirm(Path(folder) / "home", SPEED="20", **environment).start()
        try:
            firm.wait_for(lambda: firm.get("market/quotes/")["results"], 60, "a quote")
            _join(firm)
            for name, part in wanted.items():
                print(f"measuring {name} ...", file=sys.stderr, flush=True)
                lines += _told(part(firm))
        finally:
            firm.stop()
    return lines


def _join(firm: RunningFirm) -> None:
    """Let this process speak to the firm's own database and Redis."""
    from tradinghq.embedded.addresses import stored_servers

    servers = stored_servers(firm.home)
    assert servers is not None
    os.environ |= {
        "HQ_HOME": str(firm.home),
        "DATABASE_URL": servers.database_url(),
        "REDIS_URL": servers.redis_url(),
        "DATABASE_OWNER_URL": servers.database_url(owner=True),
        "DJANGO_SETTINGS_MODULE": "tradinghq.settings",
    }
    import django

    django.setup()


if __name__ == "__main__":
    main()
