"""The execution process of a house of its own, as ``up`` starts it, on the database of the test."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.cloned_database import database_url
from tradinghq.supervision.house_programs import EXECUTION_LOOPS

HERE = ("leadership", "order_sweep", "paper_matching", "reconciliation")


class ExecutionWorker:
    """Runs from the start on; ``kill`` is SIGKILL to all of it. ``database_port``: of a line to PostgreSQL."""

    def __init__(self, home: Path, *, name: str, role: str, database_port: int | None = None) -> None:
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(port=database_port),
            "DJANGO_SETTINGS_MODULE": "tradinghq.settings",
            "MARKET": "recorded",
            "HQ_HOME": str(home),
            "HQ_INSTANCE": name,
            "HQ_ROLE": role,
            "HQ_PROCESS": "execution",
            "HQ_LOOPS": ",".join(loop for loop in EXECUTION_LOOPS if loop in HERE),
        }
        modules = "workers.worker_loops,workers.execution"
        words = ("--hostname", f"{name}@%h", "--queues", "execution", "--include", modules, "--pool", "threads")
        self.log = home / "worker.log"
        home.mkdir(parents=True)
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "tradinghq.celery:app", "worker", *words, "--concurrency", "2"],
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
