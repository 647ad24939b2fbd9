"""One ``/metrics`` for all processes of the machine.

Every process writes its counters into memory-mapped files of one folder (the environment variable
``PROMETHEUS_MULTIPROC_DIR``, which the supervisor sets); the web process adds them up and adds what the database knows.
Where processes have a container each, and so the same process ids, each has a folder of its own below that of the web.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from apps.foundation import beats, outbox
from apps.foundation.clock import wall_now
from apps.foundation.metrics_folder import DIRECTORY_VARIABLE

Source = Callable[[], Iterable[Metric]]
_sources: list[Source] = []


def add_source(source: Source) -> None:
    """Have ``source`` asked at every scrape: a room's gauges that the database knows (open orders, equity)."""
    if source not in _sources:
        _sources.append(source)


def render() -> tuple[bytes, str]:
    """The text of ``/metrics`` and its content type. Raises ``django.db.Error`` when PostgreSQL is away."""
    registry = CollectorRegistry()
    folder = os.environ.get(DIRECTORY_VARIABLE)
    if folder:
        _forget_the_dead(Path(folder))
        registry.register(_AllProcesses(Path(folder)))
    else:
        registry.register(_ThisProcess())
    registry.register(_Stored())
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _forget_the_dead(folder: Path) -> None:
    """Drop the "live" gauges of processes that ended without a goodbye; their counters stay in the sums."""
    for gauges in folder.glob("gauge_live*_*.db"):
        pid = gauges.stem.rpartition("_")[2]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            gauges.unlink(missing_ok=True)


class _AllProcesses(Collector):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        files = [str(file) for file in sorted(self._folder.rglob("*.db"))]
        merged: Iterable[Metric] = MultiProcessCollector.merge(files, accumulate=True)  # type: ignore[no-untyped-call]
        return merged

    def describe(self) -> Iterable[Metric]:
        return []  # asked at registration, when nothing must be read


class _ThisProcess(Collector):
    def collect(self) -> Iterable[Metric]:
        return REGISTRY.collect()


class _Stored(Collector):
    """What is read from the database at the scrape."""

    def collect(self) -> Iterable[Metric]:
        yield from _loop_gauges()
        yield from _outbox_gauges()
        for source in _sources:
            yield from source()

    def describe(self) -> Iterable[Metric]:
        return []  # asked at registration, when nothing must be read


def _loop_gauges() -> Iterable[Metric]:
    now = wall_now()
    age = GaugeMetricFamily("hq_loop_beat_age_seconds", "Since the loop last showed that it lives.", labels=["loop"])
    for pulse in beats.all():
        age.add_metric([pulse.name], max(0.0, (now - pulse.beat_at).total_seconds()))
    return [age]


def _outbox_gauges() -> Iterable[Metric]:
    count, oldest = outbox.waiting()
    yield GaugeMetricFamily("hq_outbox_waiting", "Events not told yet.", value=count)
    yield GaugeMetricFamily("hq_outbox_lag_seconds", "Age of the oldest event not told yet.", value=oldest)
