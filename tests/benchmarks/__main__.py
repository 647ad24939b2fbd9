"""``python -m tests.benchmarks [part ...]``: prints ratios against the bare parts, measured in turns in one run.

Parts: order, fan-out, memory, start. Nothing here passes or fails: a busy machine must not turn a build red.
"""

import os
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import fan_out, footprint, order_api
from tests.benchmarks.measure import table
from tests.support.running_firm import RunningFirm

PARTS = {"order": order_api.run, "fan-out": fan_out.run, "memory": footprint.memory, "start": footprint.warm_start}


def main() -> None:
    wanted = sys.argv[1:] or ["memory", "order", "fan-out", "start"]
    unknown = sorted(set(wanted) - PARTS.keys())
    if unknown:
        raise SystemExit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    with tempfile.TemporaryDirectory(prefix="hq-bench-") as folder:
        Path(folder).chmod(0o755)
        firm = RunningFirm(Path(folder) / "home", SPEED="20").start()
        try:
            firm.wait_for(lambda: firm.get("market/quotes/")["results"], 60, "a quote")
            _join(firm)
            lines = []
            for part in wanted:
                print(f"measuring {part} ...", file=sys.stderr, flush=True)
                lines += PARTS[part](firm)
        finally:
            firm.stop()
    print(table(lines))


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
