"""What an inference worker says of its device: that it lives, how much it judged and how fast."""

import json
from collections import deque
from dataclasses import dataclass, field

import numpy as np
import structlog

from apps.agents import ports
from apps.agents.operations.judge_windows import JudgedBatch
from apps.agents.queries.inference_devices import BOARD
from apps.foundation import redis_pool
from apps.foundation.clock import Moment
from apps.foundation.time_text import utc_text

REMEMBERED = 500  # batches
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class DeviceRecord:
    """What one worker did since it started."""

    device: str
    model: str = ""
    batches: int = 0
    windows: int = 0
    failures: int = 0
    problem: str = ""
    _told: tuple[int, int] = (0, 0)
    _recent: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def add(self, batch: JudgedBatch) -> None:
        """Count one batch."""
        self.batches += 1
        self.windows += batch.windows
        self.problem = batch.problem
        self.failures += bool(batch.problem)
        if not batch.problem:
            self._recent.append((batch.windows, 1000.0 * batch.seconds))

    def news(self) -> tuple[int, int]:
        """Batches and windows since this was asked before."""
        before, self._told = self._told, (self.batches, self.windows)
        return self.batches - before[0], self.windows - before[1]

    def recent(self) -> dict[str, float | None]:
        """Mean size and latencies of the last batches, in milliseconds; None before the first."""
        sizes = [size for size, _ in self._recent]
        taken = [milliseconds for _, milliseconds in self._recent]
        return {
            "batch_size_mean": float(np.mean(sizes)) if sizes else None,
            "batch_ms_p50": float(np.percentile(taken, 50)) if taken else None,
            "batch_ms_p99": float(np.percentile(taken, 99)) if taken else None,
        }


def tell_device(*, record: DeviceRecord, moment: Moment) -> None:
    """Write the device's sign of life, and into the log what it judged since the last one. Raises ``redis.RedisError``
    while Redis is away.
    """
    use = ports.engine().use_of(record.device)
    sign = {
        "at": utc_text(moment.wall),
        "title": use.title,
        "memory_used": use.memory_used,
        "memory_total": use.memory_total,
        "model": record.model,
        "batches": record.batches,
        "windows": record.windows,
        "failures": record.failures,
        "problem": record.problem,
        **record.recent(),
    }
    redis_pool.client().hset(BOARD, record.device, json.dumps(sign))
    batches, windows = record.news()
    if batches:  # here instead of at each batch, which a line would hold up
        log.info("windows_judged", device=record.device, batches=batches, windows=windows, **record.recent())
