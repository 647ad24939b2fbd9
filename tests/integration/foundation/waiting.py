"""Waiting in tests: poll with a deadline, never sleep to pass."""

import time
from collections.abc import Callable


def eventually(check: Callable[[], object], seconds: float = 10.0) -> None:
    """Return as soon as ``check`` holds; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds} s: {check}"
        time.sleep(0.01)
