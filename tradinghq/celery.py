"""The Celery application of every process that knows Django. Tasks live in ``workers/``; a worker registers its team's only."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradinghq.settings")

app = Celery("tradinghq")
app.config_from_object("django.conf:settings", namespace="CELERY")
