"""Why a process ended, by the last line of its log. Pure."""

import json
from typing import Any

LONGEST = 300
_FAULTS = {"error", "critical"}


def last_words(log: str) -> str:
    """The sentence or the error that ``log`` ends with, cut; empty where its last line tells of ordinary work, as that
    of a process that was killed does.
    """
    last = next((line.strip() for line in reversed(log.split("\n")) if line.strip()), "")
    if last.startswith("{"):
        last = _fault_in(last)
    return last[:LONGEST]


def _fault_in(line: str) -> str:
    """What a line of our logs says of a fault: its traceback's last line, else its event."""
    try:
        told: Any = json.loads(line)
    except ValueError:
        return line
    if not isinstance(told, dict) or told.get("level") not in _FAULTS:
        return ""
    lines = str(told.get("exception") or told.get("event") or "").strip().split("\n")
    return lines[-1].strip()
