"""The process of one device: judges windows in batches, and tells how it is. Only here a network runs live."""

import os

import structlog
from redis import RedisError

from apps.agents import operations as agents
from apps.agents.domain.neural.window_batch import joined
from apps.foundation.clock import wall_now
from apps.foundation.loops import Loop
from apps.market.queries import current_moment

DEVICE = agents.DeviceRecord(os.environ.get("HQ_DEVICE", "cpu0"))
BEAT_SECONDS = 5.0
WAIT_SECONDS = 0.5  # for a batch
AWAY_SECONDS = 1.0  # between two looks while Redis is away or another house leads
TOO_LATE = "The windows were read after the deadline of their rounds: the device has more to do than it can."
log = structlog.get_logger(__name__)


def judge() -> bool:
    """Wait for windows and answer them in their agents' streams, by one forward pass; whether to wait again at once."""
    try:
        batches = agents.waiting_batches(DEVICE.device, wait_seconds=WAIT_SECONDS)
    except RedisError as error:  # the rounds close at their deadline without these votes
        log.warning("windows_not_read", device=DEVICE.device, reason=str(error))
        return False
    now = wall_now()
    for late in [batch for batch in batches if batch.expires_at < now]:
        log.warning("windows_too_late", device=DEVICE.device, windows=late.windows)
        DEVICE.add(agents.JudgedBatch(late.windows, 0.0, TOO_LATE))
    for batch in joined([batch for batch in batches if batch.expires_at >= now]):
        DEVICE.add(agents.judge_windows(batch=batch, device=DEVICE.device))
    return True


def warm_up() -> None:
    """Load the network before the first question: loading takes longer than a round waits."""
    DEVICE.model = agents.warm_model_in_force(DEVICE.device)


def tell() -> bool:
    """One sign of life; a device that can't tell of itself is not chosen."""
    DEVICE.model = agents.warm_model_in_force(DEVICE.device)
    agents.tell_device(record=DEVICE, moment=current_moment())
    return False


LOOPS = (
    Loop(name="inference_device", step=tell, idle_seconds=BEAT_SECONDS, first=warm_up, led=False),
    Loop(name="inference_queue", step=judge, idle_seconds=AWAY_SECONDS),
)
