"""The terminal of a firm is gone: without a word, or as it is closed."""

import os
import signal

import pytest

from tests.faults.processes import ended

pytestmark = pytest.mark.faults


def test_the_next_start_ends_what_a_killed_one_left(firm, facts):
    firm.wait_for(lambda: facts.running_pid("core"), 60, "the core")
    runs = firm.console().count("TradingHQ runs.")
    left = facts.pids()
    firm.process.send_signal(signal.SIGKILL)
    firm.process.wait()
    firm.start(180)  # returns at once: what was left behind answers still
    firm.wait_for(lambda: "Ended what an earlier start left behind" in firm.console(), 120, "a line about it")
    firm.wait_for(lambda: firm.console().count("TradingHQ runs.") > runs, 120, "the firm to run again")
    assert ended(left)
    facts.assert_sound()


def test_every_process_is_ended_when_the_terminal_closes(firm, facts):
    pids = facts.pids()
    os.kill(firm.process.pid, signal.SIGHUP)
    firm.wait_for(lambda: firm.process.poll() is not None, 60, "up to end")
    assert ended(pids)
