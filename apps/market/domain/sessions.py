"""When an exchange is open. A market that is closed is not stale: its last price stands until it opens again."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from apps.market.domain import timeframes


@dataclass(frozen=True, slots=True, order=True)
class Session:
    """One trading day: open from ``open_at`` until before ``close_at``, in UTC."""

    open_at: datetime
    close_at: datetime


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """``until``: when that changes; None where the calendar does not reach so far. ``closed_at``: the last close."""

    is_open: bool
    until: datetime | None
    closed_at: datetime | None


class Sessions:
    """The trading days of one exchange over a span, oldest first."""

    def __init__(self, sessions: Iterable[Session]) -> None:
        self._sessions = sorted(sessions)
        self._opens = [session.open_at for session in self._sessions]

    def __len__(self) -> int:
        return len(self._sessions)

    def status(self, at: datetime) -> SessionStatus:
        """Open or closed at this moment, and until when."""
        place = bisect_right(self._opens, at)
        last = self._sessions[place - 1] if place else None
        if last is not None and at < last.close_at:
            return SessionStatus(True, last.close_at, None)
        opens = self._opens[place] if place < len(self._opens) else None
        return SessionStatus(False, opens, None if last is None else last.close_at)

    def covers(self, open_at: datetime, timeframe: str) -> bool:
        """Is any of this bar inside a session?"""
        close_at = open_at + timeframes.span(timeframe)
        place = bisect_right(self._opens, close_at - timedelta(microseconds=1))
        return place > 0 and self._sessions[place - 1].close_at > open_at

    def opens_between(self, first: datetime, last: datetime, timeframe: str) -> list[datetime]:
        """The opening times of the bars that a session covers, from ``first`` to ``last``, both on the grid."""
        length = timeframes.span(timeframe)
        found: list[datetime] = []
        start = max(0, bisect_right(self._opens, first) - 1)
        for session in self._sessions[start:]:
            if session.open_at >= last + length:
                break
            at = timeframes.floor_time(session.open_at, timeframe)
            while at < session.close_at:
                if first <= at <= last and (not found or at > found[-1]):
                    found.append(at)
                at += length
        return found

    def back(self, last: datetime, bars: int, timeframe: str) -> datetime:
        """The opening time of the bar ``bars - 1`` session bars before ``last``, or of the oldest there is."""
        if not self._sessions:
            return last
        first = timeframes.floor_time(self._opens[0], timeframe)
        step, begin = timeframes.span(timeframe) * bars, last
        while begin > first:
            begin = max(first, begin - step)
            found = self.opens_between(begin, last, timeframe)
            if len(found) >= bars:
                return found[-bars]
        return begin


def missing_between(
    opens: Sequence[datetime], timeframe: str, sessions: "Sessions | None"
) -> list[tuple[datetime, datetime, int]]:
    """The holes between ascending opening times: first and last missing, and how many; only what a session covers."""
    step = timeframes.span(timeframe)
    holes = []
    for earlier, later in pairwise(opens):
        if later - earlier <= step:
            continue
        if sessions is None:
            holes.append((earlier + step, later - step, int((later - earlier) / step) - 1))
            continue
        wanted = sessions.opens_between(earlier + step, later - step, timeframe)
        if wanted:
            holes.append((wanted[0], wanted[-1], len(wanted)))
    return holes
