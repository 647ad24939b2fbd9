"""Long-lived loops: step, beat, wait, survive. The only place in the house that catches every exception."""

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from apps.foundation import beats
from apps.foundation.clock import wall_now
from apps.foundation.correlation import bind
from apps.foundation.logs import hide_in_text, process_name
from apps.foundation.metrics import LOOP_ERRORS, LOOP_STEP_SECONDS
from apps.foundation.progress_files import show_progress
from apps.foundation.wake_ups import WakeUps

BEAT_SECONDS = 1.0
QUIET_BEAT_SECONDS = 5.0  # an idle loop shows that it lives this often
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
log = structlog.get_logger(__name__)
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Loop:
    """A step that some process repeats until it is asked to end; the arguments are those of ``run_loop``.

    ``rest_seconds`` passes after a step that left no work, before the loop listens again: what comes in meanwhile is
    taken in one step. ``first`` is done once, before the process takes any work; what it raises ends the process, which
    is started again.
    ``led``: only while this house holds the lease.
    """

    name: str
    step: Callable[[], object]
    idle_seconds: float
    wake: str | None = None
    first: Callable[[], object] | None = None
    rest_seconds: float = 0.0
    led: bool = True


def run_loop(
    name: str,
    step: Callable[[], object],
    *,
    idle_seconds: float,
    wake: str | None = None,
    stop: threading.Event,
    stand_by: Callable[[], str] | None = None,
    jitter: Callable[[], float] = random.random,
    rest_seconds: float = 0.0,
) -> None:
    """Call ``step`` until ``stop`` is set; the running step ends first.

    A truthy answer means there was work, so the next step follows at once. Otherwise the loop waits ``idle_seconds`` or
    for a notification on the PostgreSQL channel ``wake``. What a step raises is logged, counted and followed by a pause
    of 0.1 s doubling to 5 s, shortened by up to half by ``jitter`` (in [0, 1)). While ``stand_by`` answers with a
    sentence the loop takes no step: it waits, and its pulse says so.
    """
    loop = _Loop(name, step, stand_by)
    with bind(loop=name), WakeUps(wake, stop) as wake_ups:
        log.info("loop_started", idle_seconds=idle_seconds, wake=wake)
        while not stop.is_set():
            worked = loop.turn()
            if loop.failures:
                stop.wait(pause_after(loop.failures, jitter()))
            elif not worked:
                stop.wait(rest_seconds)
                loop.idle(wake_ups, idle_seconds)
        log.info("loop_stopped", steps=loop.pulse.steps, errors=loop.pulse.errors)


def each_of(things: Mapping[str, Thing], step: Callable[[Thing], bool]) -> bool:
    """Take ``step`` with every thing, whatever happens to the others; whether one of them did work.

    Raises an ``ExceptionGroup`` at the end of the turn when some failed, each noted with its name.
    """
    worked = False
    failures: list[Exception] = []
    for name, thing in things.items():
        try:
            worked |= step(thing)
        except Exception as error:  # noqa: BLE001 - told by the loop, after the others had their turn
            error.add_note(f"while at {name}")
            failures.append(error)
    if failures:
        raise ExceptionGroup("Some failed: see below", failures)
    return worked


def pause_after(failures: int, jitter: float) -> float:
    """Seconds to wait after this many failures in a row: doubling from 0.1 to 5, less up to half."""
    return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 20)) * (1 - jitter / 2)


class _Loop:
    """The state of one running loop."""

    def __init__(self, name: str, step: Callable[[], object], stand_by: Callable[[], str] | None) -> None:
        process = process_name()
        self.name = name
        self.step = step
        self.stand_by = stand_by
        self.failures = 0
        self.database_away = False
        self.pulse = beats.Pulse(name=beats.full_name(process, name), process=process, started_at=wall_now())
        self._beat_at: datetime | None = None

    def turn(self) -> bool:
        """One step and, when due, one beat; whether the step did work."""
        errors = self.pulse.errors
        worked = self._survive(self._step_once)
        if self.pulse.errors == errors:
            self.failures = 0
        show_progress(self.name)
        if not self.database_away:
            self._survive(self._beat_when_due)
        return worked

    def idle(self, wake_ups: WakeUps, seconds: float) -> None:
        """Wait for ``seconds`` or a wake-up and show meanwhile that the loop lives."""
        left = seconds
        while left > 0 and not self.failures and not wake_ups.wait(min(left, QUIET_BEAT_SECONDS)):
            left -= QUIET_BEAT_SECONDS
            show_progress(self.name)
            self._survive(self._beat_when_due)

    def _survive(self, part: Callable[[], bool]) -> bool:
        bound = get_contextvars()
        self.database_away = False
        try:
            return part()
        except Exception as error:  # noqa: BLE001 - a loop outlives what it calls; this is the one place
            self._count(error)
            return False
        finally:
            close_old_connections()  # gives the connection back to the pool
            clear_contextvars()  # a step may bind ids; they end with it
            bind_contextvars(**bound)

    def _step_once(self) -> bool:
        reason = self.stand_by() if self.stand_by is not None else ""
        self.pulse.detail = {"standing_by": reason} if reason else {}
        if reason:
            return False
        with LOOP_STEP_SECONDS.labels(loop=self.name).time():
            worked = bool(self.step())
        self.pulse.steps += 1
        self.pulse.last_step_at = wall_now()
        return worked

    def _beat_when_due(self) -> bool:
        now = wall_now()
        if self._beat_at is None or (now - self._beat_at).total_seconds() >= BEAT_SECONDS:
            beats.beat(self.pulse, wall=now)
            self._beat_at = now
        return False

    def _count(self, error: Exception) -> None:
        self.failures += 1
        self.pulse.errors += 1
        self.pulse.last_error = hide_in_text(f"{type(error).__name__}: {error}")[:500]
        LOOP_ERRORS.labels(loop=self.name).inc()
        log.error("loop_step_failed", failures_in_a_row=self.failures, exc_info=error)
        self.database_away = isinstance(error, OperationalError | InterfaceError)
