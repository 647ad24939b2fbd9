"""What this process knows of the lease: whether its house leads, and until when it may rely on that without asking.

The process that sends keeps the lease itself: it may rely on a renewal for ``RELY_SECONDS``, counted from before it
asked for it, on a clock that goes on while the machine sleeps. That ends before the lease does in the database, so a
process that is cut off stops by itself before another house can begin. Every other process looks at the row.
"""

import time
from dataclasses import dataclass, field
from threading import Lock

from apps.foundation import lease

RELY_SECONDS = 10.0
LOOK_SECONDS = 1.0
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady() -> float:
    """Seconds that pass for a suspended machine too, and that nobody can set."""
    return time.clock_gettime(_CLOCK)


@dataclass(frozen=True, slots=True)
class Belief:
    """Our house leads under ``epoch``, surely till ``until``, and may send from ``sends_from`` on (both ``steady``)."""

    epoch: int = 0
    sends_from: float = 0.0
    until: float = 0.0


@dataclass(slots=True)
class LeaseMemory:
    """One process's belief, replaced as a whole. ``keeps``: this process renews the lease itself."""

    belief: Belief = field(default_factory=Belief)
    keeps: bool = False

    def learn(self, *, epoch: int, asked: float, waits: float = 0.0) -> None:
        """A request that was sent at ``asked`` (``steady``) was answered: the term is ours."""
        before = self.belief
        sends_from = before.sends_from if before.epoch == epoch else asked + waits
        self.keeps = True
        self.belief = Belief(epoch, sends_from, asked + RELY_SECONDS)

    def forget(self) -> None:
        """We do not lead any more, or can't be sure."""
        self.keeps = True
        self.belief = Belief()

    def leads(self, epoch: int | None = None) -> bool:
        """Whether our house leads for sure; with ``epoch``: in that very term."""
        belief = self.belief
        return steady() < belief.until and epoch in {None, belief.epoch}

    def may_send(self, epoch: int) -> bool:
        """Whether what was claimed under ``epoch`` may leave now."""
        belief = self.belief
        return belief.epoch == epoch and belief.sends_from <= steady() < belief.until


memory = LeaseMemory()


@dataclass(frozen=True, slots=True)
class Term:
    """A term under which something is sent. It never comes back: a later one has another epoch."""

    epoch: int
    known: LeaseMemory = field(default_factory=lambda: memory, compare=False)

    def leads(self) -> bool:
        """Whether it is the running term. Then orders may be taken back, and everything but sending be done."""
        return self.known.leads(self.epoch)

    def lives(self) -> bool:
        """Whether an order may leave now. Asked at the last moment, again and again: a look at a clock."""
        return self.known.may_send(self.epoch)


def term() -> Term | None:
    """The running term of our house, as this process knows it; None: it does not lead."""
    found = Term(memory.belief.epoch)
    return found if found.leads() else None


class _Looks:
    """The row as this process saw it last, looked at again after a second."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._at = float("-inf")
        self._seen: list[lease.LeaseSeen] = []

    def seen(self) -> list[lease.LeaseSeen]:
        with self._lock:
            if steady() - self._at >= LOOK_SECONDS:
                self._seen, self._at = lease.observe(), steady()
            return self._seen

    def forget(self) -> None:
        self._at = float("-inf")


looks = _Looks()


def standing_by() -> str:
    """Why this house does no work now, in a sentence; empty: it leads. Raises ``DatabaseError`` where it can't look."""
    if memory.leads():
        return ""
    seen = looks.seen()
    if not memory.keeps and any(one.alive and one.house == lease.this_house().key for one in seen):
        return ""
    return words_of(seen)


def words_of(seen: list[lease.LeaseSeen]) -> str:
    """Who leads instead, and since when we know."""
    if not seen:
        return "standing by: nobody has held the lease yet"
    one = max(seen, key=lambda each: each.renewed_at)
    if not one.alive:
        return f"standing by: the lease of {one.holder} has ended"
    return f"standing by: {one.holder} holds the lease, renewed {one.renewed_ago:.0f} s ago"
