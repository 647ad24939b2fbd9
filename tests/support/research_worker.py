"""The research worker of a house of its own, as the supervisor starts it, on the database and Redis of the test."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from tests.support.cloned_database import database_url


class ResearchWorker:
    """Runs from the start on and ends after three seconds without work; ``kill`` is SIGKILL to all of it."""

    def __init__(self, home: Path) -> None:
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "REDIS_URL": settings.REDIS_URL,
            "DJANGO_SETTINGS_MODULE": "tradinghq.settings",
            "MARKET": "recorded",
            "HQ_HOME": str(home),
            "HQ_PROCESS": "research",
            "HQ_ENDS_IDLE": "3",
        }
        words = ("--queues", "research", "--include", "workers.research", "--pool", "prefork", "--concurrency", "1")
        home.mkdir(parents=True, exist_ok=True)
        self.log = home / "worker.log"
        with self.log.open("a") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "tradinghq.celery:app", "worker", *words],
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
