"""A house that was brought up again after its supervisor's end is started until it stands.

What hinders it may pass without anybody: a disk that is full, a port that is still held. Who starts a house by hand is
told at once instead.
"""

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import NoReturn

TRY = "HQ_START_AGAIN"  # in the environment of a start that nobody asked for: the how manieth it is
FIRST_WAIT, LONGEST_WAIT = 5, 60


def start_again(*, manage: str) -> NoReturn:
    """Become a start that tries until it succeeds."""
    _become(manage, 1)


def keep_starting(start: Callable[[], NoReturn], *, manage: str, say: Callable[[str], None]) -> NoReturn:
    """Start the house. One that was brought up again and fails says why, waits, and is started in a new process."""
    number = int(os.environ.get(TRY, "0"))
    if not number:
        start()
    try:
        start()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, positions wait for their guard
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(number - 1, 10))
        with contextlib.suppress(OSError):  # the console may have gone, or lie on the same full disk
            traceback.print_exc()
            say(f"The house could not be started again ({error}). Try {number + 1} in {wait} s; Ctrl-C ends it.")
        time.sleep(wait)
        _become(manage, number + 1)


def _become(manage: str, number: int) -> NoReturn:
    os.environ[TRY] = str(number)
    os.execv(sys.executable, [sys.executable, manage, "up"])  # noqa: S606 - our own command, without a shell
