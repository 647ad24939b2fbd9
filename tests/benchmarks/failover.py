"""From the kill of a whole primary to the first order of its backup: the drill T18, whose steps say when each was done.

Two whole firms on one PostgreSQL and one exchange simulator; every program of the primary gets SIGKILL with an order
under way, and nobody confirms its death. The bare part is what nobody could do without: the end of the lease and the
life of a request that may still be under way.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measure import Line

DRILL = "T18"
LEASE_SECONDS = 15  # ``apps.foundation.lease.TTL``
REQUEST_SECONDS = 5  # at Binance, which the simulator speaks as
LEADS = re.compile(r"The backup leads ([\d.]+) s after the kill")
FIRST_ORDER = re.compile(r"Its first order was taken ([\d.]+) s after the kill")


def run() -> list[Line]:
    """Seconds from the kill to the first order that the backup's exchange took, and of it those to the lease."""
    with tempfile.TemporaryDirectory(prefix="hq-bench-") as home:
        steps = _steps(Path(home))
    leads, first = (float(_only(pattern, steps)) for pattern in (LEADS, FIRST_ORDER))
    least = LEASE_SECONDS + REQUEST_SECONDS
    what = f"primary killed, to the backup's first order taken by the exchange (it led after {leads:.1f} s), s"
    return [Line(what, f"{first:.1f}", f"{least}", f"{first / least:.2f}", "lease + request's life")]


def _steps(home: Path) -> str:
    command = [sys.executable, "-m", "workers.drills", "--short", DRILL]
    subprocess.run(command, check=True, env={**os.environ, "HQ_HOME": str(home)}, stdout=sys.stderr)
    (report,) = (home / "drills").glob("*.json")
    (result,) = json.loads(report.read_text())["results"]
    return "\n".join(text for _, text in result["steps"])


def _only(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    if found is None:
        raise RuntimeError(f"The drill {DRILL} did not say {pattern.pattern!r}:\n{text}")
    return found[1]
