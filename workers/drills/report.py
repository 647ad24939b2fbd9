"""The report of a run of drills, for people as text and for programs as JSON."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from apps.foundation.private_files import write_private
from workers.drills.play import Result


def report_text(results: Sequence[Result], *, seed: int, began: datetime) -> str:
    """One line a drill, then the steps and problems of those that failed."""
    passed = sum(result.passed for result in results)
    lines = [f"Drills of {began:%Y-%m-%d %H:%M} UTC, seed {seed}: {passed} of {len(results)} passed.", ""]
    for one in results:
        recovery = "" if one.recovery_seconds is None else f", at rest {one.recovery_seconds:.0f} s after the fault"
        lines.append(
            f"  {one.code}  {'passed' if one.passed else 'FAILED'}  {one.title} ({one.seconds:.0f} s{recovery})"
        )
    for one in (result for result in results if not result.passed):
        lines += ["", f"{one.code} {one.title}", *(f"  {at:7.1f} s  {text}" for at, text in one.steps)]
        lines += [f"  PROBLEM  {problem}" for problem in one.problems]
    return "\n".join(lines) + "\n"


def store_report(folder: Path, results: Sequence[Result], *, seed: int, began: datetime) -> Path:
    """Keep the report of these drills; the text file."""
    facts = {"seed": seed, "results": [result.view() for result in results]}
    return keep(folder, report_text(results, seed=seed, began=began), facts, began=began)


def keep(folder: Path, text: str, facts: dict[str, Any], *, began: datetime) -> Path:
    """Write ``<time>.txt`` and ``<time>.json`` into ``folder``; the text file."""
    folder.mkdir(parents=True, exist_ok=True)
    name = folder / f"{began:%Y%m%dT%H%M%S}"
    write_private(name.with_suffix(".json"), json.dumps({"began": began.isoformat(), **facts}, indent=1, default=str))
    write_private(name.with_suffix(".txt"), text)
    return name.with_suffix(".txt")
