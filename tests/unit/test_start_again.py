"""A house that nobody started again by hand is tried until it stands; one that somebody starts is told at once."""

import pytest

from tradinghq.supervision import start_again


class ReplacedError(Exception):
    """Execution went over to another program, as ``execv`` does."""


@pytest.fixture
def became(monkeypatch):
    """What this process would have become, and for how long it waited before."""
    seen = {"waited": []}

    def execv(_, argv):
        seen["argv"] = argv[1:]
        raise ReplacedError

    monkeypatch.setattr(start_again.os, "execv", execv)
    monkeypatch.setattr(start_again.time, "sleep", seen["waited"].append)
    return seen


def fails():
    raise OSError(28, "No space left on device")


def test_a_start_by_hand_that_fails_is_told_at_once(became, monkeypatch):
    monkeypatch.delenv(start_again.TRY, raising=False)
    with pytest.raises(OSError, match="No space left"):
        start_again.keep_starting(fails, manage="manage.py", say=pytest.fail)
    assert became == {"waited": []}


@pytest.mark.parametrize(("number", "wait"), [(1, 5), (2, 10), (4, 40), (5, 60), (2_000, 60)])
def test_a_house_that_was_brought_up_again_is_tried_again_after_a_while(became, monkeypatch, number, wait):
    monkeypatch.setenv(start_again.TRY, str(number))
    said = []
    with pytest.raises(ReplacedError):
        start_again.keep_starting(fails, manage="manage.py", say=said.append)
    assert became == {"argv": ["manage.py", "up"], "waited": [wait]}
    assert start_again.os.environ[start_again.TRY] == str(number + 1)
    assert f"No space left on device). Try {number + 1} in {wait} s" in said[0]


def test_a_refusal_in_words_is_tried_again_too_and_a_full_console_hinders_nothing(became, monkeypatch):
    monkeypatch.setenv(start_again.TRY, "1")

    def refused():
        raise SystemExit("PostgreSQL did not start within 60 s.")

    def full(_):
        raise OSError(28, "No space left on device")

    with pytest.raises(ReplacedError):
        start_again.keep_starting(refused, manage="manage.py", say=full)


def test_ctrl_c_ends_it(became, monkeypatch):
    monkeypatch.setenv(start_again.TRY, "1")

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start_again.keep_starting(interrupted, manage="manage.py", say=pytest.fail)
    assert became == {"waited": []}
