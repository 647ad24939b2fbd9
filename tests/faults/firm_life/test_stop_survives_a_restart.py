"""The stop button: it halts within a second, ends the agents, and stays pressed while the firm is stopped and started.

The restart itself, too: all processes end, and the market and the books go on where they stood.
"""

import time

import pytest

from tests.faults.processes import ended

pytestmark = pytest.mark.faults
HALTED_WITHIN_SECONDS = 1.0
OPEN_CAUSES = "SELECT kind FROM trading_statecause WHERE closed_wall IS NULL"
ENTRIES = "SELECT count(*) FROM trading_order WHERE NOT is_protective"
HALTED_AT = "SELECT extract(epoch FROM opened_wall) FROM trading_statecause WHERE closed_wall IS NULL"


def agents_running(facts) -> int:
    processes = facts.control.processes()
    return len([one for one in processes if one["name"].startswith("agent-") and one["statename"] == "RUNNING"])


def test_it_halts_stays_halted_and_needs_a_reason_to_end(trading, facts):
    firm = trading
    firm.wait_for(lambda: agents_running(facts) == 4, 60, "four agents")
    assert firm.get("trading/risk/state/")["state"] == "ACTIVE"
    pressed = time.time()
    status, answer = firm.call("POST", "trading/stop/", {"reason": "A test presses it."})
    assert (status, answer["state"]) == (200, "HALTED")
    assert float(facts.rows(HALTED_AT)[0][0]) - pressed < HALTED_WITHIN_SECONDS
    firm.wait_for(lambda: agents_running(facts) == 0, 60, "the agents to end")
    assert facts.running_pid("guard")
    assert facts.running_pid("execution")

    pids, bars, orders = facts.pids(), facts.bars(), facts.rows(ENTRIES)
    assert len(pids) > 6
    assert firm.stop() == 0
    assert ended(pids)
    assert firm.console().endswith("Stopped.\n")

    firm.start(180)
    assert firm.get("trading/risk/state/")["state"] == "HALTED"
    firm.wait_for(lambda: facts.bars() > bars, 120, "the market to go on where it stood")
    assert facts.rows("SELECT count(*) FROM trading_portfolio") == [(1,)]
    assert facts.rows("SELECT count(*) FROM auth_user") == [(1,)]
    assert firm.console().count(firm.password) == 1
    assert agents_running(facts) == 0

    assert firm.call("POST", "trading/resume/", {})[0] == 400
    assert facts.rows(OPEN_CAUSES) == [("operator_stop",)]
    assert facts.rows(ENTRIES) == orders
    status, answer = firm.call("POST", "trading/resume/", {"reason": "The test is done."})
    assert (status, answer["state"]) == (200, "ACTIVE")
    firm.wait_for(lambda: agents_running(facts) == 4, 60, "four agents again")
    facts.assert_sound()
