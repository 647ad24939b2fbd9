"""A worker that is started on demand ends once it has had nothing to do for ``HQ_ENDS_IDLE`` seconds."""

import os
import signal
import threading
import time
from typing import Any

import structlog
from celery import bootsteps, current_app
from celery.signals import worker_ready
from celery.worker import state

LOOK_SECONDS = 1.0
log = structlog.get_logger(__name__)


class IdleEnd(bootsteps.StartStopStep):
    """Looks at the worker's own books; asks nothing and nobody."""

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._seconds = float(os.environ.get("HQ_ENDS_IDLE", "0"))
        self._stop = threading.Event()

    def include_if(self, worker: Any) -> bool:  # noqa: ARG002
        return float(os.environ.get("HQ_ENDS_IDLE", "0")) > 0.0

    def start(self, worker: Any) -> None:  # noqa: ARG002
        worker_ready.connect(self._begin)  # not before it can be given any work

    def _begin(self, **_: Any) -> None:
        threading.Thread(target=self._watch, name="idle-end", daemon=True).start()

    def stop(self, worker: Any) -> None:  # noqa: ARG002
        self._stop.set()

    terminate = stop

    def _watch(self) -> None:
        busy_at = time.monotonic()
        while not self._stop.wait(LOOK_SECONDS):
            if state.reserved_requests:
                busy_at = time.monotonic()
            elif time.monotonic() - busy_at >= self._seconds:
                log.info("worker_ends_idle", seconds=self._seconds)
                os.kill(os.getpid(), signal.SIGTERM)
                return


current_app.steps["worker"].add(IdleEnd)
