"""`up` as a person lives with it: start, look, stop, start again, a second one by mistake, a terminal that is gone."""

import os
import signal
import stat

import psutil
import pytest

from tests.faults.firm_facts import FirmFacts
from tests.support.running_firm import RunningFirm

pytestmark = pytest.mark.faults


def ended(pids: set[int]) -> bool:
    return not [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def test_a_firm_is_started_stopped_and_started_again(home):
    firm = RunningFirm(home, SPEED="300", HQ_ADMIN_PASSWORD="")
    facts = FirmFacts(firm)
    firm.start(180)
    try:
        firm.wait_for(lambda: facts.bars() > 502, 120, "some bars")
        console = firm.console()
        assert "SIMULATED MARKET" in console
        assert firm.url in console
        login = home / "first-login.txt"
        assert stat.S_IMODE(login.stat().st_mode) == 0o600
        password = login.read_text().split("password: ")[1].strip()
        assert console.count(password) == 1
        assert len(password) >= 16

        second = firm.manage("up")
        assert second.returncode == 1
        assert f"TradingHQ runs in {home} already" in second.stderr
        assert "Traceback" not in second.stderr

        pids, bars = facts.pids(), facts.bars()
        assert len(pids) > 10
    finally:
        assert firm.stop() == 0
    assert ended(pids)
    assert firm.console().endswith("Stopped.\n")

    firm.start(180)
    try:
        firm.wait_for(lambda: facts.bars() > bars, 120, "the market to go on where it stood")
        assert facts.rows("SELECT count(*) FROM trading_portfolio") == [(1,)]
        assert facts.rows("SELECT count(*) FROM auth_user") == [(1,)]
        assert firm.console().count(password) == 1

        # The terminal and its process are gone without a word: the next start ends what they left.
        left = facts.pids()
        firm.process.send_signal(signal.SIGKILL)
        firm.process.wait()
        firm.start(180)  # returns at once: what was left behind answers still
        firm.wait_for(lambda: "Ended what an earlier start left behind" in firm.console(), 120, "a line about it")
        firm.wait_for(lambda: firm.console().count("TradingHQ runs.") == 3, 120, "the firm to run again")
        assert ended(left)
        facts.assert_sound()
    finally:
        firm.stop()


def test_every_process_of_the_firm_is_ended_when_the_terminal_closes(home):
    firm = RunningFirm(home, SPEED="300")
    facts = FirmFacts(firm)
    firm.start(180)
    pids = facts.pids()
    os.kill(firm.process.pid, signal.SIGHUP)
    firm.wait_for(lambda: firm.process.poll() is not None, 60, "up to end")
    assert ended(pids)
