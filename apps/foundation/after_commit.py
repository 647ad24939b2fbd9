"""The one way out of a transaction: tasks are enqueued by name once it has committed, never before.

A lost message is no lost order: what safety needs is found again in the database by the sweeps.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from apps.foundation.metrics import WAKE_UPS_LOST

log = structlog.get_logger(__name__)


def enqueue(task: str, *, queue: str, expires: datetime | float | None = None, **arguments: Any) -> None:
    """Send the task ``task`` to ``queue`` after this transaction commits (at once outside one).

    ``expires``: seconds from now or an aware time, after which a worker drops it. Arguments must be JSON.
    A broker that is away is logged and counted, not raised: the intent is committed and the sweep will claim it.
    """
    transaction.on_commit(lambda: _send(task, queue, expires, arguments))


def run(step: Callable[[], None]) -> None:
    """Call ``step`` after this transaction commits."""
    transaction.on_commit(step)


def _send(task: str, queue: str, expires: datetime | float | None, arguments: dict[str, Any]) -> None:
    try:
        current_app.send_task(task, kwargs=arguments, queue=queue, expires=expires, retry=False)
    except OperationalError as error:
        WAKE_UPS_LOST.labels(task=task).inc()
        log.warning("task_not_enqueued", task=task, queue=queue, reason=str(error))
