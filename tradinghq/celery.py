"""The Celery application of every process that knows Django. The tasks live in ``workers/``, one module a team."""

import os

from celery import Celery

from apps.foundation.logs import configure_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradinghq.settings")

app = Celery("tradinghq")
app.config_from_object("django.conf:settings", namespace="CELERY")
if os.environ.get("HQ_PROCESS"):
    configure_logging(os.environ["HQ_PROCESS"])
