"""The Celery application of every process that knows Django. The tasks live in ``workers/``, one module a team."""

import os
import sys
from typing import Any

import structlog
from celery import Celery
from celery.signals import before_task_publish, worker_init, worker_shutting_down

from apps.foundation.logs import configure_logging
from apps.foundation.progress_files import show_progress

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradinghq.settings")

app = Celery("tradinghq", task_cls="tradinghq.led_tasks:LedTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
if os.environ.get("HQ_PROCESS"):
    configure_logging(os.environ["HQ_PROCESS"])
if os.environ.get("HQ_PROCESS") == "beat":
    before_task_publish.connect(lambda **_: show_progress("beat"), weak=False)  # its work is to send tasks


@worker_init.connect
def keep_silent_in_signal_handlers(**_: Any) -> None:
    """Let a worker stop although nobody reads its standard output any more, as after a kill of the supervisor.

    Celery's handler of SIGTERM writes there first of all: the broken pipe would end the handler, not the worker.
    """
    vars(sys)["__stdout__"] = None


@worker_shutting_down.connect
def log_shutdown(how: str, **_: Any) -> None:
    """Say in the log what Celery would have said on the standard output."""
    structlog.get_logger(__name__).info("worker_shutting_down", how=how)
