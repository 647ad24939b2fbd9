"""What a process keeps of the newest bar that it has read."""

from datetime import datetime
from typing import Any, Generic, TypeVar

from apps.market.queries.market_clock import MarketClockView

Key = TypeVar("Key")
Value = TypeVar("Value")


class BarMemory(Generic[Key, Value]):
    """Facts of one bar. In lock-step they never change while the bar is current, so each is read once a bar."""

    def __init__(self) -> None:
        # One tuple, so that no thread sees one bar's name with another's facts.
        self._newest: tuple[tuple[Any, ...], dict[Key, Value]] = ((), {})

    def of(self, at: datetime, clock: MarketClockView) -> dict[Key, Value]:
        """What is kept of the bar that closed ``at``, to read and to add to; nothing that lasts on a live market, nor
        of an earlier bar than the clock's.
        """
        if not clock.lock_step or clock.bar_at is None or at != clock.bar_at:
            return {}
        wanted = (clock.digest, clock.bar_at, clock.released_at, clock.state, clock.message, clock.sources)
        bar, kept = self._newest
        if bar != wanted:
            kept = {}
            self._newest = (wanted, kept)
        return kept
