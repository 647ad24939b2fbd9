"""The bare part of a task hop: a Celery application with JSON messages, threads, and nothing of ours."""

import os
import time

import redis
from celery import Celery

ANSWERS = "bench.bare.started"
app = Celery("bare", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    task_acks_late=True,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)
answers = redis.from_url(os.environ["REDIS_URL"])


@app.task(name="bench.hop")
def hop(*, left: int = 0) -> None:
    """Say when it started; with hops ``left``, send the next one instead."""
    if left:
        app.send_task("bench.hop", kwargs={"left": left - 1}, queue="bench.bare")
    else:
        answers.rpush(ANSWERS, time.monotonic_ns())
