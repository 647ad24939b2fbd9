"""One try of a piece of research: claimed, shown to live while it is computed, kept or failed with a sentence."""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection
from prometheus_client import Counter

from apps.agents import operations as agents
from apps.agents.wiring import parameter_sampler
from apps.foundation.clock import Moment, wall_now
from apps.foundation.correlation import bind
from apps.foundation.errors import HQError

BEAT_SECONDS = 1.0
FAILED = Counter("hq_research_failures_total", "Pieces of research that ended in a failure.", ["kind"])
log = structlog.get_logger(__name__)


def take_up_next() -> bool:
    """Do what has waited longest; False where nothing waits. What it raises is told on the run, nothing else stops."""
    claim = agents.claim_next_work(moment=_now())
    if claim is None:
        return False
    with bind(correlation_id=claim.id):
        log.info("research_begins", kind=claim.kind)
        problem = _problem_of(claim)
        if problem:
            FAILED.labels(kind=claim.kind).inc()
            agents.fail_work(claim=claim, problem=problem, moment=_now())
        log.info("research_ended", kind=claim.kind, problem=problem)
        agents.call_for_waiting()
    return True


def _problem_of(claim: agents.Claim) -> str:
    """Try it; the sentence that tells why it failed, empty where it is done or no longer ours."""
    pulse = Pulse(claim)
    started = time.monotonic()
    try:
        with pulse:
            result = agents.compute_work(claim=claim, told=pulse.tell, sampler=parameter_sampler())
        agents.keep_work(claim=claim, result=result, seconds=time.monotonic() - started, moment=_now())
    except SoftTimeLimitExceeded:
        return "" if pulse.lost else f"It took longer than {settings.HQ_RESEARCH_SECONDS:,.0f} s, the limit of a run."
    except HQError as refused:
        return refused.message
    except MemoryError:
        return f"It needed more memory than the {settings.HQ_RESEARCH_MEMORY // 2**20:,} MiB that a run may take."
    except Exception as error:
        log.exception("research_failed", kind=claim.kind)  # a strategy is foreign code: it may raise anything
        return " ".join([f"It failed with {type(error).__name__}: {error}.", *getattr(error, "__notes__", ())])
    return ""


class Pulse:
    """Beats once a second from a thread of its own; where the claim is gone, it interrupts the computing as Celery's
    time limit does.
    """

    def __init__(self, claim: agents.Claim) -> None:
        self.lost = False
        self._claim = claim
        self._progress, self._step = 0.0, ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="research-pulse", daemon=True)

    def tell(self, progress: float, step: str) -> None:
        """What is done so far; shown with the next beat."""
        self._progress, self._step = progress, step

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            try:
                held = agents.beat_work(claim=self._claim, progress=self._progress, step=self._step, wall=wall_now())
            except (OperationalError, InterfaceError) as error:
                log.warning("research_beat_missed", reason=str(error))  # the database is away; the next beat tells
                continue
            finally:
                close_old_connections()
            if not held:
                self.lost = True
                _interrupt()
                break
        connection.close()


def _interrupt() -> None:
    """Raise ``SoftTimeLimitExceeded`` in the main thread, as the pool's own limit does; elsewhere nothing happens."""
    handler: Callable[..., Any] | int | None = signal.getsignal(signal.SIGUSR1)
    if callable(handler):
        os.kill(os.getpid(), signal.SIGUSR1)


def _now() -> Moment:
    wall = wall_now()
    return Moment(wall=wall, firm=wall)
