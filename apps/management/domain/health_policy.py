"""When a container is healthy, when it is tried again, and when a crash loop ends its tries. Pure; wall clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

GRACE = timedelta(seconds=60)
BEAT_LIFE = timedelta(seconds=90)
# How long questions may stay unanswered before a container that still beats is replaced; chosen, not measured. As
# long as the grace of a start, since a replacement may need that long: a shorter one would cost more answers than it
# saves. It lies between questions, so that one that was missed never counts, however long its bar is.
STALL = timedelta(seconds=60)
LOOP_WINDOW = timedelta(minutes=10)
LOOP_CRASHES = 5
FIRST_REST = timedelta(seconds=5)
LONGEST_REST = timedelta(minutes=5)
REMEMBERED_CRASHES = 20


class Health(StrEnum):
    """One word for a container."""

    STARTING = "starting"
    HEALTHY = "healthy"
    SILENT = "silent"
    STALLED = "stalled"
    ENDED = "ended"
    QUARANTINED = "quarantined"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


NO_PROGRESS = frozenset({Health.SILENT, Health.STALLED})


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Questions that led to nothing: wall time of the first and the last in a row, and when the program itself last
    told of an answer (None: never).
    """

    since: datetime
    until: datetime
    progressed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The word and the sentence behind it."""

    health: Health
    reason: str


def judge(
    *,
    running: bool,
    started_at: datetime | None,
    beat_at: datetime | None,
    beats_known: bool,
    wall: datetime,
    ended_reason: str = "",
    unanswered: Unanswered | None = None,
) -> Judgement:
    """How a wanted container does: its process must live, its heartbeat must move, and what is asked be answered.

    ``beats_known`` is false while the place where beats are written is away; then nothing is said against it.
    """
    if not running or started_at is None:
        return Judgement(Health.ENDED, ended_reason or "Its process ended.")
    if beat_at is not None and wall - beat_at <= BEAT_LIFE and beat_at >= started_at:
        stalled = beats_known and unanswered is not None and _is_stalled(unanswered, started_at)
        return Judgement(Health.STALLED, _stalled_words(unanswered)) if stalled else Judgement(Health.HEALTHY, "")
    if not beats_known:
        return Judgement(Health.UNKNOWN, "Heartbeats can't be read while Redis is away.")
    if wall - started_at <= GRACE:
        return Judgement(Health.STARTING, "It has just started.")
    return Judgement(Health.SILENT, f"It runs, but its last heartbeat is older than {BEAT_LIFE.seconds} s.")


def _is_stalled(unanswered: Unanswered, started_at: datetime) -> bool:
    """Whether it was asked again and again for too long without an answer since it was last seen to work.

    Measured up to the last question, not up to now: who is asked nothing is held against nobody.
    """
    worked_at = max(unanswered.since, started_at, unanswered.progressed_at or started_at)
    return unanswered.until - worked_at >= STALL


def _stalled_words(unanswered: Unanswered | None) -> str:
    since = "" if unanswered is None else f" since {unanswered.since:%H:%M:%S} UTC"
    return f"It beats, but it has answered no question{since}."


def remember_crash(crashes: Sequence[datetime], at: datetime) -> list[datetime]:
    """The crashes with this one, the newest last, bounded."""
    return [*crashes, at][-REMEMBERED_CRASHES:]


def is_crash_loop(crashes: Sequence[datetime], wall: datetime) -> bool:
    """Whether it ended so often lately that trying again does harm."""
    return len(_recent(crashes, wall)) >= LOOP_CRASHES


def next_try(crashes: Sequence[datetime], wall: datetime) -> datetime:
    """When a container that ended may be started again: at once after the first crash, then 5 s doubling to 5 min."""
    recent = _recent(crashes, wall)
    if len(recent) < 2:  # noqa: PLR2004 - one crash is no pattern
        return wall
    rest = min(FIRST_REST * 2 ** (len(recent) - 2), LONGEST_REST)
    return recent[-1] + rest


def _recent(crashes: Sequence[datetime], wall: datetime) -> list[datetime]:
    return [at for at in crashes if wall - at <= LOOP_WINDOW]
