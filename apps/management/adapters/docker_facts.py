"""What the engine says of a container, in the fleet's words. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.management.ports import ObservedContainer

SIGNALS_FROM, SIGNALS_TO = 128, 192
NEVER = "0001-"


@dataclass(frozen=True, slots=True)
class Use:
    """Memory in bytes, and processor time of one processor in percent since the look before."""

    memory_bytes: int | None = None
    cpu_percent: float | None = None


def observed(facts: Mapping[str, Any], *, name: str, digest: str, use: Use) -> ObservedContainer:
    """``facts`` as ``docker inspect`` gives them."""
    state = facts["State"]
    running = bool(state["Running"])
    never_ran = state["StartedAt"].startswith(NEVER)
    exit_code = None if running or never_ran else exit_status(int(state["ExitCode"]))
    out_of_memory = bool(state["OOMKilled"]) and not running
    return ObservedContainer(
        name=name,
        digest=digest,
        running=running,
        handle=facts["Id"],
        started_at=None if never_ran else datetime.fromisoformat(state["StartedAt"]),
        exit_code=exit_code,
        detail=_detail(facts, running=running, exit_code=exit_code, out_of_memory=out_of_memory),
        memory_bytes=use.memory_bytes if running else None,
        cpu_percent=use.cpu_percent if running else None,
        out_of_memory=out_of_memory,
    )


def exit_status(code: int) -> int:
    """The engine's exit code; 128 and a signal's number become that number, negative."""
    return SIGNALS_FROM - code if SIGNALS_FROM < code <= SIGNALS_TO else code


def usage_of(stats: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Memory in bytes without the pages the kernel can take back, and processor time ever used in nanoseconds."""
    memory, cpu = stats.get("memory_stats") or {}, stats.get("cpu_stats") or {}
    used = memory.get("usage")
    if used is None:
        return None, None
    parts = memory.get("stats") or {}
    returnable = parts.get("total_inactive_file", parts.get("inactive_file", 0))  # cgroup v1, v2
    return max(0, used - returnable), cpu.get("cpu_usage", {}).get("total_usage")


def _detail(facts: Mapping[str, Any], *, running: bool, exit_code: int | None, out_of_memory: bool) -> str:
    if running:
        return ""
    if out_of_memory:
        return f"It used more than its {facts['HostConfig']['Memory'] // 2**20}M of memory and the kernel ended it."
    if exit_code is None:
        return f"It was created and never ran: {facts['State'].get('Error') or 'no reason given'}."
    return f"It was ended by signal {-exit_code}." if exit_code < 0 else f"It ended with status {exit_code}."
