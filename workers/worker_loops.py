"""Loops inside a Celery worker. They start before the worker connects to its broker, and end with it."""

from typing import Any

from celery import bootsteps, current_app

from workers.loop_threads import LoopThreads


class WorkerLoops(bootsteps.StartStopStep):
    """The loops that this worker's environment names."""

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._loops = LoopThreads()

    def start(self, worker: Any) -> None:  # noqa: ARG002
        self._loops.start()

    def stop(self, worker: Any) -> None:  # noqa: ARG002
        self._loops.stop()

    terminate = stop


current_app.steps["worker"].add(WorkerLoops)
