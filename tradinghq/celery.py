"""The Celery application of every process that knows Django. The tasks live in ``workers/``, one module a team."""

import os

from celery import Celery
from celery.signals import before_task_publish

from apps.foundation.logs import configure_logging
from apps.foundation.progress_files import show_progress

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradinghq.settings")

app = Celery("tradinghq", task_cls="tradinghq.led_tasks:LedTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
if os.environ.get("HQ_PROCESS"):
    configure_logging(os.environ["HQ_PROCESS"])
if os.environ.get("HQ_PROCESS") == "beat":
    before_task_publish.connect(lambda **_: show_progress("beat"), weak=False)  # its work is to send tasks
