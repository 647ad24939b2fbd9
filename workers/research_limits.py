"""What a process of the research pool may take: memory up to a limit, and the processor when nobody else wants it."""

import os
import resource
from typing import Any

from celery.signals import worker_process_init
from django.conf import settings

NICE = 10


@worker_process_init.connect
def limit_this_process(**_: Any) -> None:
    """Beyond the limit Python raises ``MemoryError``, which fails the run and nothing else."""
    os.nice(NICE)
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (settings.HQ_RESEARCH_MEMORY, hard))
