"""The stop button on a running firm: it halts within a second, ends the agents, and stays pressed over a restart."""

import time

import pytest

from tests.faults.firm_facts import FirmFacts
from tests.support.running_firm import RunningFirm

pytestmark = pytest.mark.faults
HALTED_WITHIN_SECONDS = 1.0
OPEN_CAUSES = "SELECT kind FROM trading_statecause WHERE closed_wall IS NULL"
HALTED_AT = "SELECT extract(epoch FROM opened_wall) FROM trading_statecause WHERE closed_wall IS NULL"


def agents_running(facts: FirmFacts) -> int:
    processes = facts.control.processes()
    return len([one for one in processes if one["name"].startswith("agent-") and one["statename"] == "RUNNING"])


def test_it_halts_stays_halted_and_needs_a_reason_to_end(home):
    firm = RunningFirm(home, SPEED="300")
    facts = FirmFacts(firm)
    firm.start(180)
    try:
        firm.wait_for(lambda: agents_running(facts) == 4, 60, "four agents")
        firm.wait_for(lambda: facts.rounds() > 3, 120, "the first decisions")
        firm.token()
        pressed = time.time()
        status, answer = firm.call("POST", "trading/stop/", {"reason": "A test presses it."})
        assert (status, answer["state"]) == (200, "HALTED")
        assert float(facts.rows(HALTED_AT)[0][0]) - pressed < HALTED_WITHIN_SECONDS
        firm.wait_for(lambda: agents_running(facts) == 0, 60, "the agents to end")
        assert facts.running_pid("guard")
        assert facts.running_pid("execution")

        assert firm.stop() == 0
        firm.start(180)
        assert firm.get("trading/risk/state/")["state"] == "HALTED"
        orders = facts.rows("SELECT count(*) FROM trading_order")
        firm.wait_for(lambda: facts.running_pid("core"), 60, "the core")
        assert agents_running(facts) == 0

        assert firm.call("POST", "trading/resume/", {})[0] == 400
        assert facts.rows(OPEN_CAUSES) == [("operator_stop",)]
        assert facts.rows("SELECT count(*) FROM trading_order") == orders
        status, answer = firm.call("POST", "trading/resume/", {"reason": "The test is done."})
        assert (status, answer["state"]) == (200, "ACTIVE")
        firm.wait_for(lambda: agents_running(facts) == 4, 60, "four agents again")
        facts.assert_sound()
    finally:
        firm.stop()
