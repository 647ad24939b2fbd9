"""Entry point. Makes the rest of the house unimportable first: what an agent can't load, its strategy can't reach."""

import os
import sys

OUT_OF_REACH = ("django", "rest_framework", "channels", "celery", "psycopg", "ccxt", "docker")
NEVER_NEEDED = ("cryptography", "rich", "colorama", "pydantic")  # imported by libraries where installed, 6 MiB together

if __name__ == "__main__":
    for module in (*OUT_OF_REACH, *NEVER_NEEDED):
        sys.modules[module] = None  # type: ignore[assignment]  # Python's own way of saying: this import fails
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its buffers cost memory for each thread
    os.environ.setdefault("MALLOC_ARENA_MAX", "1")

    from workers.agent_process.run_agent import run_agent

    sys.exit(run_agent())
