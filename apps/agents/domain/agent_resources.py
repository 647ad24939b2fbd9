"""What an agent's process may use, checked: memory such as 256M or 1G, processors as a number, GPUs as a count."""

import math
import re
from collections.abc import Mapping

DEFAULT_RESOURCES: dict[str, object] = {"memory": "256M", "cpu": 0.5}
LOWEST_MEMORY, HIGHEST_MEMORY = "64M", "64G"
LOWEST_CPU, HIGHEST_CPU = 0.05, 64.0
MOST_GPUS = 16
_MEMORY = re.compile(r"\d{1,6}[MG]", re.ASCII)
_UNITS = {"M": 2**20, "G": 2**30}


class ResourcesError(ValueError):
    """A resource is unknown or out of bounds; ``field`` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def resource_spans() -> dict[str, dict[str, object]]:
    """What an agent gets of each resource where nothing is named, and within which bounds it may name it."""
    bounds: dict[str, tuple[object, object]] = {
        "memory": (LOWEST_MEMORY, HIGHEST_MEMORY),
        "cpu": (LOWEST_CPU, HIGHEST_CPU),
    }
    return {
        name: {"default": DEFAULT_RESOURCES[name], "lowest": lowest, "highest": highest}
        for name, (lowest, highest) in bounds.items()
    }


def checked_resources(given: Mapping[str, object]) -> dict[str, object]:
    """Memory and cpu, each as given or by default; ``gpu`` where any is asked for. Raises ``ResourcesError``."""
    for name in given:
        if name not in {*DEFAULT_RESOURCES, "gpu"}:
            raise ResourcesError(str(name), f"There is no resource {str(name)[:40]!r}; there are memory, cpu and gpu.")
    memory, cpu = given.get("memory", DEFAULT_RESOURCES["memory"]), given.get("cpu", DEFAULT_RESOURCES["cpu"])
    memory_bytes(memory)
    if isinstance(cpu, bool) or not isinstance(cpu, int | float) or not math.isfinite(cpu):
        raise ResourcesError("cpu", f"cpu must be a number such as 0.5, was {str(cpu)[:40]!r}.")
    if not LOWEST_CPU <= cpu <= HIGHEST_CPU:
        raise ResourcesError("cpu", f"cpu was {cpu}; it must lie between {LOWEST_CPU} and {HIGHEST_CPU:g}.")
    return {"memory": memory, "cpu": float(cpu)} | _gpus(given.get("gpu", 0))


def _gpus(asked: object) -> dict[str, object]:
    if isinstance(asked, bool) or not isinstance(asked, int) or not 0 <= asked <= MOST_GPUS:
        raise ResourcesError("gpu", f"gpu must be a whole number from 0 to {MOST_GPUS}, was {str(asked)[:40]!r}.")
    return {"gpu": asked} if asked else {}


def memory_bytes(memory: object) -> int:
    """The bytes that ``256M`` or ``1G`` stand for. Raises ``ResourcesError``."""
    found = _MEMORY.fullmatch(memory) if isinstance(memory, str) else None
    if found is None:
        raise ResourcesError("memory", f"memory must be written like 256M or 1G, was {str(memory)[:40]!r}.")
    size = _bytes(found[0])
    if not _bytes(LOWEST_MEMORY) <= size <= _bytes(HIGHEST_MEMORY):
        told = f"memory was {memory}; it must lie between {LOWEST_MEMORY} and {HIGHEST_MEMORY}."
        raise ResourcesError("memory", told)
    return size


def _bytes(memory: str) -> int:
    return int(memory[:-1]) * _UNITS[memory[-1]]
