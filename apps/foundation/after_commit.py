"""The one way out of a transaction: tasks are enqueued by name once it has committed, never before.

A lost message is no lost order: what safety needs is found again in the database by the sweeps.
"""

from collections.abc import Callable
from contextvars import copy_context
from datetime import datetime
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any

import orjson
import structlog
from celery import current_app
from django.db import transaction
from kombu import serialization
from kombu.exceptions import OperationalError

from apps.foundation.metrics import WAKE_UPS_LOST

_SHORT = (str, int, float, bool, type(None))
_LONGEST_TOLD = 100  # characters
# What is sent is JSON as before, written several times as fast.
serialization.register("orjson", orjson.dumps, None, "application/json")  # type: ignore[no-untyped-call]
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


def send_from_a_thread() -> None:
    """Let a thread of its own send what this process enqueues from now on, so that no answer and no loop waits for the
    broker: a dead line to it would hold them up for as long as it is dead.

    What a process had not sent when it was killed is found by the sweeps, as every lost message.
    """
    global _send  # noqa: PLW0603 - chosen once, when the process starts
    _send = TaskSender().send


def _send_now(task: str, queue: str, expires: datetime | float | None, arguments: dict[str, Any]) -> None:
    try:
        current_app.send_task(
            task,
            kwargs=arguments,
            kwargsrepr=_told(arguments),
            queue=queue,
            expires=expires,
            retry=False,
            serializer="orjson",
        )
    except OperationalError as error:
        WAKE_UPS_LOST.labels(task=task).inc()
        log.warning("task_not_enqueued", task=task, queue=queue, reason=str(error))


def _told(arguments: dict[str, Any]) -> str:
    """The arguments as logs show them: what is long is left out, which Celery would write out."""

    def short(value: Any) -> Any:
        told = isinstance(value, _SHORT) and len(str(value)) <= _LONGEST_TOLD
        return value if told else type(value).__name__

    return repr({name: short(value) for name, value in arguments.items()})


_send: Callable[..., None] = _send_now


class TaskSender:
    """Sends tasks in their order from a thread, each in the context (correlation id) of whoever enqueued it."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread = Thread(target=self._send_all, name="task-sender", daemon=True)
        self._thread.start()

    def send(self, *message: Any) -> None:
        """Hand one task over; where a fault has ended the thread, send it here and now."""
        if self._thread.is_alive():
            self._waiting.put(partial(copy_context().run, _send_now, *message))
        else:
            _send_now(*message)

    def _send_all(self) -> None:
        while True:
            self._waiting.get()()
