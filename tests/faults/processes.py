"""Processes by their ids."""

from collections.abc import Iterable

import psutil


def ended(pids: Iterable[int]) -> bool:
    """None of them runs any more; one that waits for its parent to ask how it ended counts as ended."""
    return not [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]
