"""The agents' image, built by the house's own `make image-agent`; the engine's cache makes all but the first quick."""

import fcntl
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def agent_image() -> str:
    """Its id."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / "agent-image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the run's other worker may be building it
        done = subprocess.run(
            ["make", "image-agent", f"VENV={os.path.relpath(sys.prefix, ROOT)}"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return (ROOT / "build/images/agent/id").read_text().strip()
