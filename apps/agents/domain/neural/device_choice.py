"""Which device judges the next windows: the one with the least work waiting that has room for the model. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

ROOM_BYTES = 256 * 2**20  # free memory that a device must tell of, for the network's working space


@dataclass(frozen=True, slots=True)
class DeviceLoad:
    """``waiting``: batches in its queue; ``seconds``: what a batch took lately; ``free_bytes`` None: unknown."""

    name: str
    waiting: int
    seconds: float
    free_bytes: int | None


def choose_device(devices: Sequence[DeviceLoad]) -> str | None:
    """The device that would be done first, ties by name; None where there is none with room."""
    fit = [device for device in devices if device.free_bytes is None or device.free_bytes >= ROOM_BYTES]
    if not fit:
        return None
    return min(fit, key=lambda device: ((device.waiting + 1) * device.seconds, device.waiting, device.name)).name


def with_one_more(devices: Sequence[DeviceLoad], name: str) -> list[DeviceLoad]:
    """The loads once ``name`` has one more batch waiting."""
    return [replace(d, waiting=d.waiting + 1) if d.name == name else d for d in devices]
