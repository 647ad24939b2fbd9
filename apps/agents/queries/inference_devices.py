"""The devices that judge windows: what each says of itself in Redis, and what waits for it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from redis import RedisError

from apps.agents import ports
from apps.agents.domain.neural.device_choice import DeviceLoad
from apps.foundation import redis_pool
from apps.foundation.errors import NotReady

BOARD = "inference.devices"  # a hash: device to its last sign of life
ALIVE = timedelta(seconds=20)
FORGOTTEN = timedelta(hours=1)
UNMEASURED_SECONDS = 0.01


def queue_of(device: str) -> str:
    """The queue of a device's worker."""
    return f"inference.{device}"


def local_devices() -> Sequence[str]:
    """The devices of this machine that a worker may use; empty without torch."""
    return ports.engine().devices()


def device_views(wall: datetime) -> list[dict[str, Any]]:
    """Every device that told of itself within the hour, by name, with what waits in its queue.

    Raises ``NotReady`` while Redis is away.
    """
    try:
        return _views(wall)
    except RedisError as error:
        raise NotReady(f"Redis is away, which knows the devices: {error}.", code="redis_away") from error


def device_loads(wall: datetime) -> list[DeviceLoad]:
    """The loads of the devices that are alive. Raises ``NotReady`` while Redis is away."""
    return [
        DeviceLoad(
            name=view["device"],
            waiting=view["waiting"],
            seconds=(view["batch_ms_p50"] or 0.0) / 1000.0 or UNMEASURED_SECONDS,
            free_bytes=None if view["memory_total"] is None else view["memory_total"] - view["memory_used"],
        )
        for view in device_views(wall)
        if view["alive"]
    ]


def _views(wall: datetime) -> list[dict[str, Any]]:
    client = redis_pool.client()
    told = {str(name): orjson.loads(text) for name, text in client.hgetall(BOARD).items()}
    views = []
    for name, beat in sorted(told.items()):
        age = wall - datetime.fromisoformat(beat["at"])
        if age <= FORGOTTEN:
            waiting = int(client.llen(queue_of(name)))
            views.append({**beat, "device": name, "alive": age <= ALIVE, "waiting": waiting})
    return views
