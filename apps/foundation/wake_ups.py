"""Waiting for work: a stop signal, a hint from PostgreSQL, or a time-out, since hints may be lost."""

import threading
import time
from types import TracebackType
from typing import Self

import psycopg
import structlog

from apps.foundation.database_connections import listening_connection

SLICE_SECONDS = 0.5  # how late a stop may be noticed
FIRST_RECONNECT_SECONDS = 0.5
LONGEST_RECONNECT_SECONDS = 5.0
log = structlog.get_logger(__name__)


class WakeUps:
    """The waiting side of one loop; reconnects with back-off while PostgreSQL is away."""

    def __init__(self, channel: str | None, stop: threading.Event) -> None:
        self._channel = channel
        self._stop = stop
        self._listener: psycopg.Connection | None = None
        self._pause = FIRST_RECONNECT_SECONDS
        self._try_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()

    def wait(self, seconds: float) -> bool:
        """Wait at most ``seconds``; True as soon as there may be work or the loop is to stop."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            if self._channel is None:
                return self._stop.wait(left)
            if self._hear(min(left, SLICE_SECONDS)) or self._stop.is_set():
                return True
        return self._stop.is_set()

    def _hear(self, seconds: float) -> bool:
        if self._listener is None:
            if self._connect():
                return True  # what was told before we listened was not heard: look once
            self._stop.wait(seconds)
            return False
        try:
            return self._heard(seconds)
        except psycopg.Error as error:
            log.warning("listener_lost", channel=self._channel, reason=str(error).strip())
            self._hang_up()
            return False

    def _heard(self, seconds: float) -> bool:
        listener = self._listener
        if listener is None or listener.closed:
            raise psycopg.OperationalError("the connection is closed")
        heard = any(True for _ in listener.notifies(timeout=seconds, stop_after=1))
        if heard:  # many hints are one hint
            for _ in listener.notifies(timeout=0):
                pass
        return heard

    def _connect(self) -> bool:
        if self._channel is None or time.monotonic() < self._try_at:
            return False
        try:
            self._listener = listening_connection(self._channel)
        except psycopg.Error as error:
            log.warning("listener_not_connected", channel=self._channel, reason=str(error).strip())
            self._try_at = time.monotonic() + self._pause
            self._pause = min(LONGEST_RECONNECT_SECONDS, self._pause * 2)
            return False
        self._pause = FIRST_RECONNECT_SECONDS
        return True

    def _hang_up(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
