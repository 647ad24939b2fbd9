"""Timings side by side: both ends of a ratio are measured in turns, so that a busy machine slows both."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report: what, ours, the bare parts, their ratio and the goal."""

    what: str
    ours: str
    bare: str
    ratio: str
    goal: str


def milliseconds(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """How long one call took, in milliseconds; with ``time.process_time`` of this process's processor alone."""
    start = clock()
    call()
    return (clock() - start) * 1_000


def in_turns(
    rounds: int,
    batch: int,
    *calls: Callable[[], object],
    settle: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[list[float]]:
    """Time each call ``rounds * batch`` times, in turns of ``batch`` (A A A B B B A A A ...); milliseconds per call.

    ``settle`` runs untimed before every call: what an earlier call set off must not be measured with the next one.
    """
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for own, call in zip(times, calls, strict=True):
            for _ in range(batch):
                settle()
                own.append(milliseconds(call, clock))
    return times


def p50(times: list[float]) -> float:
    return statistics.median(times)


def p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def table(lines: list[Line]) -> str:
    """The report as a Markdown table."""
    rows = [
        ("what", "ours", "bare parts", "ratio", "goal"),
        *[(x.what, x.ours, x.bare, x.ratio, x.goal) for x in lines],
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    text = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)
