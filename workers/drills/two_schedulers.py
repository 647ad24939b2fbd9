"""The drill of two schedulers: a second beat runs beside the house's own, as if one was left over from before."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from workers.drills.drill_firm import ROOT, DrillFirm
from workers.drills.lost_processes import own
from workers.drills.scenario import Scenario, Stage

SECONDS, SECONDS_FULL = 75, 600
RUNS = """
SELECT p.name, i.every, r.runs, r.left_alone FROM foundation_periodic_run r
JOIN django_celery_beat_periodictask p USING (name) JOIN django_celery_beat_intervalschedule i ON i.id = p.interval_id
WHERE i.period = 'seconds'
"""


def two_schedulers(stage: Stage) -> None:
    firm = own(stage)
    stage.wait(lambda: firm.rows(RUNS), 120, "the house's own scheduler to have sent something")
    seconds = SECONDS_FULL if stage.full else SECONDS
    with _second_beat(firm):
        stage.step("A second scheduler was started beside the house's own.")
        stage.wait(lambda: _left_alone(firm) > 0, 120, "the second scheduler to send what the first one sent")
        before, began = _counts(firm), time.monotonic()
        time.sleep(seconds)
        after, took = _counts(firm), time.monotonic() - began
    for name, (every, runs, _) in after.items():
        ran = runs - before.get(name, (every, 0, 0))[1]
        most = took / every + 1
        stage.check(ran <= most, f"{name!r}, due each {every} s, ran {ran} times in {took:.0f} s.")
        stage.check(ran >= 1 or every > took, f"{name!r}, due each {every} s, did not run in {took:.0f} s.")
    doubles = sum(one[2] for one in after.values()) - sum(one[2] for one in before.values())
    stage.check(doubles > 0, "No message of the second scheduler was left alone.")
    stage.step(f"In {took:.0f} s each task ran once in its time; {doubles} messages more were left alone.")


def _counts(firm: DrillFirm) -> dict[str, tuple[int, int, int]]:
    """By entry: due each so many seconds, ran so often, was left alone so often."""
    return {name: (every, runs, left_alone) for name, every, runs, left_alone in firm.rows(RUNS)}


def _left_alone(firm: DrillFirm) -> int:
    return sum(left_alone for _, _, left_alone in _counts(firm).values())


@contextmanager
def _second_beat(firm: DrillFirm) -> Iterator[None]:
    words = ("-m", "celery", "-A", "tradinghq.celery:app", "beat", "--loglevel", "WARNING", "--pidfile=")
    with (firm.home / "second-beat.log").open("wb") as log:
        beat = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, *words],
            cwd=ROOT,
            env={**firm.environment, "HQ_PROCESS": "second-beat"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            beat.kill()
            beat.wait()


SCENARIOS = (
    Scenario(
        "T26",
        "Two schedulers run",
        "Each periodic task runs once in its time; the other messages are left alone.",
        two_schedulers,
    ),
)
