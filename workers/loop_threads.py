"""Loops as threads of their process: alive while the broker is away, ended with the process.

The process's environment names them: ``HQ_LOOPS=order_sweep,paper_matching``.
"""

import os
import sys
import threading
from importlib import import_module

from django.db import close_old_connections

from apps.foundation.after_commit import send_from_a_thread
from apps.foundation.lease_memory import standing_by
from apps.foundation.loops import Loop, run_loop

MODULES = {
    "bridge": "workers.bridge",
    "container_watch": "workers.container_watch",
    "emergency_stop": "workers.emergency_stop",
    "inference_device": "workers.inference",
    "inference_queue": "workers.inference",
    "leadership": "workers.leadership",
    "market_clock": "workers.market_clock",
    "vote_collector": "workers.vote_collector",
    "order_relay": "workers.outbox_relay",
    "order_sweep": "workers.order_loops",
    "paper_matching": "workers.order_loops",
    "venue_stream": "workers.order_loops",
    "open_order_poll": "workers.order_loops",
    "fill_poll": "workers.order_loops",
    "reconciliation": "workers.reconciliation",
    "outbox_relay": "workers.outbox_relay",
    "stop_guard": "workers.stop_guard",
    "venue_watch": "workers.venue_watch",
}
JOIN_SECONDS = 8.0
# Python's own 5 ms are waited for after each answer of the database while another thread computes; an order has dozens.
SWITCH_SECONDS = 0.001


def find_loop(name: str) -> Loop:
    """The loop of this name. Raises ``LookupError`` for an unknown one."""
    if name not in MODULES:
        raise LookupError(f"HQ_LOOPS names {name!r}; known are {', '.join(sorted(MODULES))}.")
    loops: tuple[Loop, ...] = import_module(MODULES[name]).LOOPS
    found = next((loop for loop in loops if loop.name == name), None)
    if found is None:
        raise LookupError(f"{MODULES[name]} has no loop {name!r}.")
    return found


class LoopThreads:
    """The loops that the environment names, started and stopped together."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Do what each loop does first, then let all run. Raises ``LookupError`` for an unknown name."""
        sys.setswitchinterval(SWITCH_SECONDS)
        names = [name for name in os.environ.get("HQ_LOOPS", "").split(",") if name]
        loops = [find_loop(name) for name in names]
        send_from_a_thread()
        for loop in loops:
            if loop.first is not None:
                loop.first()
        close_old_connections()
        for loop in loops:
            thread = threading.Thread(target=self._run, args=(loop,), name=f"loop-{loop.name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Let the running step of each end, for so long as a process that ends may take."""
        self._stop.set()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)

    def _run(self, loop: Loop) -> None:
        run_loop(
            loop.name,
            loop.step,
            idle_seconds=loop.idle_seconds,
            wake=loop.wake,
            stop=self._stop,
            rest_seconds=loop.rest_seconds,
            stand_by=standing_by if loop.led else None,
        )
