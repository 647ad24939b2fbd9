"""The supervisor as we run it: a line of a log that the disk has no room for is lost, and nothing else with it.

Its own answer to a line that it can't write is a traceback on its output, which lies on the same disk: that fails as
well and ends it, and with it every process of the house, the stop guard too.

Run as a file, so that nothing of the house has to be importable.
"""

import contextlib
import traceback

from supervisor import loggers, supervisord

_roll_over = loggers.RotatingFileHandler.doRollover


def _lose_the_line(_handler: loggers.Handler) -> None:
    with contextlib.suppress(OSError):
        traceback.print_exc()


def _roll_over_where_possible(handler: loggers.RotatingFileHandler) -> None:
    """A log that can't be rolled over loses lines until it can; an error here would end its program's output."""
    try:
        if handler.stream.closed:
            handler.stream = open(handler.baseFilename, "ab")  # noqa: PTH123, SIM115 - as the supervisor opens it
        _roll_over(handler)
    except OSError:
        _lose_the_line(handler)


loggers.Handler.handleError = _lose_the_line
loggers.RotatingFileHandler.doRollover = _roll_over_where_possible

if __name__ == "__main__":
    supervisord.main()
