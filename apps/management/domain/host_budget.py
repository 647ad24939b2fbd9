"""What all agents of this host may use together, and whether more fit. Pure; limits are counted, not what is used."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

GIB = 2**30


class Sized(Protocol):
    """Anything with the limits of a container."""

    @property
    def memory_bytes(self) -> int: ...
    @property
    def cpus(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Resources:
    """Memory in bytes and processors. ``+`` and ``*`` by a count; ``fits`` compares both."""

    memory_bytes: int
    cpus: float

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(self.memory_bytes + other.memory_bytes, round(self.cpus + other.cpus, 6))

    def __mul__(self, count: int) -> "Resources":
        return Resources(self.memory_bytes * count, round(self.cpus * count, 6))

    def fits(self, budget: "Resources") -> bool:
        """Whether neither memory nor processors exceed the budget."""
        return self.memory_bytes <= budget.memory_bytes and self.cpus <= budget.cpus

    def __str__(self) -> str:
        return f"{memory_words(self.memory_bytes)} of memory and {self.cpus:g} CPU{'' if self.cpus == 1 else 's'}"


def used_by(members: Iterable[Sized]) -> Resources:
    """What these may use together by their limits."""
    total = Resources(0, 0.0)
    for member in members:
        total += Resources(member.memory_bytes, member.cpus)
    return total


def room_for(each: Resources, used: Resources, budget: Resources) -> int:
    """How many more of this size fit; none where the budget is exceeded already."""
    by_memory = (budget.memory_bytes - used.memory_bytes) // each.memory_bytes
    by_cpus = int((budget.cpus - used.cpus + 1e-9) / each.cpus)
    return max(0, min(by_memory, by_cpus))


def memory_words(size: int) -> str:
    """Bytes as people say them: 512 MiB, 2.5 GiB."""
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / 2**20:.0f} MiB"
