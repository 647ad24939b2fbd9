"""How much may be asked of somebody in a while, what one request takes of it, and what a lone process allows itself.
Pure: the clock is an argument.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Quota:
    """At most ``units`` in any ``seconds``, by all who share ``scope``. ``processes``: how many those are at most."""

    scope: str
    units: int
    seconds: int
    processes: int = 1


@dataclass(frozen=True, slots=True)
class Charge:
    """What one request takes of one quota, in units."""

    quota: Quota
    units: int


@dataclass(slots=True)
class Allowance:
    """A token bucket of ``capacity`` units that fills in ``seconds``.

    A request that is larger than the bucket leaves when it is full and puts it in debt, so that every request leaves
    some time and the rate holds. In any ``seconds`` at most twice the capacity leaves, or one larger request.
    """

    capacity: float
    seconds: float
    tokens: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.capacity

    def wait(self, units: int, *, kept: float, now: float) -> float:
        """Seconds until ``units`` may leave and ``kept`` units still stay; 0.0: now."""
        self.tokens = min(self.capacity, self.tokens + max(0.0, now - self.at) * self.capacity / self.seconds)
        self.at = now
        lacking = min(units + kept, self.capacity) - self.tokens
        return max(0.0, lacking * self.seconds / self.capacity)

    def take(self, units: int) -> None:
        """Spend what ``wait`` allowed."""
        self.tokens -= units
