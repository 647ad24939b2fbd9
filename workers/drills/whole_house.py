"""What may happen to a whole house at once: all its processes die, or stand still, as if its machine did."""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

import psutil

from apps.management.adapters.supervised_programs import SupervisorFolder
from workers.drills.drill_firm import SUPERVISOR, DrillFirm

SAME_START_SECONDS = 1.0


@contextmanager
def dead(firm: DrillFirm, *, spare: Collection[str] = ()) -> Iterator[None]:
    """SIGKILL to all its programs but those in ``spare``; nothing of it starts again before the end."""
    with _still(_keepers(firm)):
        for one in _programs(firm, spare):
            with suppress(psutil.NoSuchProcess):
                one.kill()
        yield


@contextmanager
def frozen(firm: DrillFirm, *, spare: Collection[str] = ()) -> Iterator[None]:
    """SIGSTOP to all of it but the programs in ``spare``, SIGCONT at the end."""
    with _still(_keepers(firm)), _still(_programs(firm, spare)):
        yield


def environments(firm: DrillFirm, name: str) -> list[dict[str, str]]:
    """What the programs whose names start so were given as their environment."""
    return [one.environ() for found, one in _recorded(firm) if found.startswith(name)]


@contextmanager
def _still(found: list[psutil.Process]) -> Iterator[None]:
    try:
        for one in found:
            with suppress(psutil.NoSuchProcess):
                one.suspend()
        yield
    finally:
        for one in reversed(found):
            with suppress(psutil.NoSuchProcess):
                one.resume()


def _keepers(firm: DrillFirm) -> list[psutil.Process]:
    """Its watch and its supervisor, which would start again what ends."""
    assert firm.process is not None
    return [psutil.Process(firm.process.pid), *(one for name, one in _recorded(firm) if name == SUPERVISOR)]


def _programs(firm: DrillFirm, spare: Collection[str]) -> list[psutil.Process]:
    found = [one for name, one in _recorded(firm) if name != SUPERVISOR and name not in spare]
    return [each for one in found for each in _family(one)]


def _family(one: psutil.Process) -> list[psutil.Process]:
    try:
        return [one, *one.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _recorded(firm: DrillFirm) -> list[tuple[str, psutil.Process]]:
    """Its processes by the records that each left when it started, by their names."""
    found = []
    for file in sorted(SupervisorFolder(firm.home).records.glob("*.json")):
        kept = json.loads(file.read_text())
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(kept["pid"]))
            if abs(process.create_time() - float(kept["started"])) < SAME_START_SECONDS:
                found.append((file.stem, process))
    return found
