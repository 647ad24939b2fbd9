"""The inference worker of one device: judges windows in batches, and tells how it is. Only here a network runs live."""

import os
from uuid import UUID

import structlog
from celery import shared_task

from apps.agents import operations as agents
from apps.foundation import parcels
from apps.foundation.errors import NotReady
from apps.foundation.loops import Loop
from apps.market.queries import current_moment

DEVICE = agents.DeviceRecord(os.environ.get("HQ_DEVICE", "cpu0"))
BEAT_SECONDS = 5.0
log = structlog.get_logger(__name__)


@shared_task(name="workers.inference.judge")
def judge(*, model: str, asked: list[dict[str, object]], parcel: str) -> None:
    """One forward pass over the windows in the parcel; the answers go into the agents' streams."""
    try:
        features = parcels.pick_up(parcel)
    except NotReady as gone:  # the rounds close at their deadline without these votes
        log.warning("windows_not_judged", agents=len(asked), reason=gone.message)
        return
    DEVICE.add(agents.judge_windows(model=UUID(model), asked=asked, features=features, device=DEVICE.device))


def warm_up() -> None:
    """Load the network before the first question: loading takes longer than a round waits."""
    DEVICE.model = agents.warm_model_in_force(DEVICE.device)


def tell() -> bool:
    """One sign of life; a device that can't tell of itself is not chosen."""
    DEVICE.model = agents.warm_model_in_force(DEVICE.device)
    agents.tell_device(record=DEVICE, moment=current_moment())
    return False


LOOPS = (Loop(name="inference_device", step=tell, idle_seconds=BEAT_SECONDS, first=warm_up, led=False),)
