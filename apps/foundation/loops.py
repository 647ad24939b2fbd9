"""Long-lived loops: what a loop is, and the one runner of all of them."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loop:
    """A step that some process repeats until it is asked to end.

    ``step`` answers True when there may be more to do at once; anything else waits ``idle_seconds``, or less when
    PostgreSQL notifies the channel ``wake``.
    """

    name: str
    step: Callable[[], object]
    idle_seconds: float
    wake: str | None = None
