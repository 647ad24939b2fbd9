"""The house's two clocks, read only at the edge and handed in as one ``Moment``.

The wall clock times health, leases, tokens and time-outs. The firm clock times bars, expiries, order rates, daily loss
and paper latency; on a live market both agree, in a lock-step run the firm clock is the replayed market's time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """One reading of both clocks, both aware and in UTC."""

    wall: datetime
    firm: datetime

    def __post_init__(self) -> None:
        if self.wall.tzinfo is None or self.firm.tzinfo is None:
            raise ValueError("A moment needs aware times.")


def wall_now() -> datetime:
    """The wall clock in UTC. The only place in the house that reads it."""
    return datetime.now(UTC)  # noqa: TID251 - the one reader
