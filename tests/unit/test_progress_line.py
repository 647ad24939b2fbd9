"""What a person sees of a long command: how far it is and about how long it still takes."""

import io

import pytest

from tradinghq.progress_line import ProgressLine, duration


class Output(io.StringIO):
    """As a Django command's: what is written ends a line unless it says otherwise."""

    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal

    def write(self, msg="", style_func=None, ending="\n"):
        super().write(style_func(msg) + ending)


def shown(terminal, *steps):
    """``steps``: seconds since the beginning, share, other words."""
    now = 0.0
    output = Output(terminal)
    line = ProgressLine(output, clock=lambda: now)
    for now, share, what in steps:  # noqa: B007 - the clock reads it
        line.show(share, what)
    return output.getvalue()


def test_a_terminal_has_one_line_that_is_drawn_again_and_ends():
    steps = (
        (0.1, 0.1, "trial 1 of 10"),
        (1, 0.1, "trial 1 of 10"),
        (60, 0.25, "trial 2 of 10"),
        (61, 1.0, "trial 10 of 10"),
    )
    first, second, last = shown(True, *steps).split("\r")[1:]
    assert first == "[###...........................] 10%, trial 1 of 10"
    assert second == "[#######.......................] 25%, trial 2 of 10, about 3 min left"
    assert last.rstrip(" \n") == f"[{'#' * 30}] 100%, trial 10 of 10"
    assert len(last.rstrip("\n")) == len(second)  # what was there before is painted over
    assert last.endswith("\n")


def test_a_file_has_a_line_each_half_minute_and_none_of_what_is_over_sooner():
    assert shown(False, (1, 0.5, ""), (2, 1.0, "")) == ""
    told = shown(False, (10, 0.1, ""), (31, 0.2, ""), (45, 0.3, ""), (62, 0.4, ""), (70, 1.0, ""))
    assert told.splitlines() == ["20%, about 2 min left", "40%, about 2 min left", "100%"]


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.4, "0 s"), (89, "89 s"), (95, "2 min"), (1_500, "25 min"), (9_000, "2.5 h")]
)
def test_time_is_told_in_the_unit_a_person_would_take(seconds, told):
    assert duration(seconds) == told
