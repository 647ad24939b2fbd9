"""What this machine has, by psutil: the default of what the agents' containers may use together."""

import psutil

from apps.management.domain.host_budget import Resources

MEMORY_SHARE = 0.75  # the rest is for PostgreSQL, Redis, the house's own processes and the system
CPUS_TIMES = 4  # a CPU limit is a ceiling, and agents idle between bars


def default_budget() -> Resources:
    """Three quarters of the memory; four times the processors."""
    return Resources(
        memory_bytes=int(psutil.virtual_memory().total * MEMORY_SHARE),
        cpus=float((psutil.cpu_count() or 1) * CPUS_TIMES),
    )
