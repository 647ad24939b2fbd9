"""How far a long command is and about how long it still takes, on the error output: the result stays by itself."""

import time
from collections.abc import Callable
from typing import Protocol

BAR = 30  # characters
REDRAWN = 0.2  # seconds; on a terminal
REPEATED = 30.0  # seconds between lines, where the output is a file
FEWEST = 5.0  # seconds that must have passed before what is left is guessed
PLAIN = str  # no colour


class Output(Protocol):
    """What a Django command writes to; errors are red there unless the text is styled otherwise."""

    def write(
        self, msg: str = "", style_func: Callable[[str], str] | None = None, ending: str | None = None
    ) -> None: ...
    def isatty(self) -> bool: ...


class ProgressLine:
    """One line that is drawn again on a terminal; elsewhere a line each half minute."""

    def __init__(self, output: Output, clock: Callable[[], float] = time.monotonic) -> None:
        self._output, self._clock = output, clock
        self._terminal = output.isatty()
        self._began = self._told = clock()
        self._width = 0

    def show(self, share: float, what: str = "") -> None:
        """``share`` of the work that is done, 0 to 1; ``what`` says it in other words. The last one ends the line."""
        now, over = self._clock(), share >= 1.0
        if now - self._told < (REDRAWN if self._terminal else REPEATED) and not over:
            return
        self._told = now
        words = ", ".join(part for part in (f"{share:.0%}", what, "" if over else self._left(share, now)) if part)
        if not self._terminal:
            if not over or self._width:  # a short command is over before a line is due
                self._output.write(words, PLAIN)
                self._width = len(words)
            return
        filled = int(min(1.0, share) * BAR)
        line = f"[{'#' * filled}{'.' * (BAR - filled)}] {words}"
        self._output.write(f"\r{line.ljust(self._width)}", PLAIN, "\n" if over else "")
        self._width = len(line)

    def _left(self, share: float, now: float) -> str:
        passed = now - self._began
        if passed < FEWEST or share <= 0.0:
            return ""
        return f"about {duration(passed * (1.0 - share) / share)} left"


def duration(seconds: float) -> str:
    """In the unit that a person would take."""
    if seconds < 90:  # noqa: PLR2004 - a minute and a half
        return f"{seconds:.0f} s"
    minutes = seconds / 60.0
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60.0:.1f} h"  # noqa: PLR2004
