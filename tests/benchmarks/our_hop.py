"""The task of our side of the hop, on the house's own Celery application with its signals and logs."""

import time

from celery import shared_task

from apps.foundation import after_commit, redis_pool
from tradinghq.celery import app

ANSWERS = "bench.ours.started"


@shared_task(name="bench.hop")
def hop(*, left: int = 0) -> None:
    """Say when it started; with hops ``left``, send the next one instead."""
    if left:
        after_commit.enqueue("bench.hop", queue="bench.ours", expires=30, left=left - 1)
    else:
        redis_pool.client().rpush(ANSWERS, time.monotonic_ns())


__all__ = ["app", "hop"]
