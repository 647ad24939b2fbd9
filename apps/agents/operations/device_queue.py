"""The queue of a device in Redis: a list of batches that the collector appends to and the device's process reads.

It carries no Celery messages, whose way takes longer than the network does. What a dying process had taken is lost with
its rounds' deadline and not repeated late.
"""

import structlog
from prometheus_client import Counter
from redis import RedisError

from apps.agents.domain.neural.window_batch import WindowBatch, read_batch, written
from apps.agents.queries.inference_devices import FORGOTTEN, queue_of
from apps.foundation import after_commit, redis_pool
from apps.foundation.metrics import WAKE_UPS_LOST

NOT_UNDERSTOOD = Counter("hq_windows_not_understood_total", "Texts in a device's queue that were no batch.", ["device"])
TAKEN_TOGETHER = 4  # batches: as many windows as one tile of the network has
log = structlog.get_logger(__name__)


def send_batch(device: str, batch: WindowBatch) -> None:
    """Append it once this transaction has committed. While Redis is away it is logged and counted as lost, and its
    rounds close without these votes.
    """
    after_commit.run(lambda: _append(queue_of(device), batch))


def waiting_batches(device: str, *, wait_seconds: float) -> list[WindowBatch]:
    """Take the oldest and what waits behind it, up to ``TAKEN_TOGETHER``; empty where none comes within
    ``wait_seconds``. A device that is behind so catches up by larger passes.

    What is no batch is logged, counted and left out, so that it costs nobody else's votes. Raises ``redis.RedisError``
    while Redis is away. What was taken is gone from the queue.
    """
    pipeline = redis_pool.raw_client().pipeline(transaction=False)  # one way there and back; the first of them waits
    pipeline.blpop([queue_of(device)], timeout=wait_seconds)
    pipeline.lpop(queue_of(device), TAKEN_TOGETHER - 1)
    first, more = pipeline.execute()
    texts = ([first[1]] if first else []) + (more or [])
    return [batch for text in texts if (batch := _understood(text, device)) is not None]


def _understood(text: bytes, device: str) -> WindowBatch | None:
    try:
        return read_batch(text)
    except ValueError as error:
        NOT_UNDERSTOOD.labels(device=device).inc()
        log.error("windows_not_understood", device=device, reason=str(error))  # noqa: TRY400 - told
        return None


def _append(queue: str, batch: WindowBatch) -> None:
    try:
        pipeline = redis_pool.raw_client().pipeline(transaction=False)
        pipeline.rpush(queue, written(batch))
        pipeline.expire(queue, FORGOTTEN)  # as its device is, where no process is left to read it
        pipeline.execute()
    except RedisError as error:
        WAKE_UPS_LOST.labels(task=queue).inc()
        log.warning("windows_not_sent", queue=queue, windows=batch.windows, reason=str(error))
