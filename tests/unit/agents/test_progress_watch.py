"""When an agent counts as stuck: questions wait and none is taken, several looks in a row."""

import pytest

from workers.agent_process.progress_watch import LOOKS_BEFORE_STUCK, ProgressWatch


def looks(*seen: tuple[int, int]) -> list[bool]:
    watch = ProgressWatch()
    return [watch.stuck(waiting=waiting, taken=taken) for waiting, taken in seen]


def test_a_waiting_question_that_nobody_takes():
    assert looks(*[(1, 0)] * LOOKS_BEFORE_STUCK) == [False] * (LOOKS_BEFORE_STUCK - 1) + [True]


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param([(0, 7)] * 20, id="nothing to do"),
        pytest.param([(9, taken) for taken in range(20)], id="a long queue that moves"),
        pytest.param([(1, 0), (1, 0), (1, 0), (0, 0)] * 5, id="emptied now and then"),
    ],
)
def test_no_alarm(seen):
    assert not any(looks(*seen))
