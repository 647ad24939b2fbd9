"""kill -9 of any single process while the firm trades: it comes back, trading goes on, the books and the audit hold.

The verifiers read all that was ever written, so they are asked once, after the last kill.
"""

import os
import signal

import psycopg
import pytest

pytestmark = pytest.mark.faults
BACK_SECONDS = 90
# The console has a line about each of these, once in 30 seconds; an agent's end is the fleet's to tell.
TOLD = {"web", "beat", "core", "execution", "guard", "redis", "postgres"}
PROCESSES = ("web", "beat", "core", "execution", "guard", "agent-", "redis", "postgres")


@pytest.mark.parametrize("name", PROCESSES)
def test_it_comes_back_and_the_firm_goes_on(trading, facts, name, rounds_of_kills):
    for turn in rounds_of_kills:
        bars, rounds, said = facts.bars(), facts.rounds(), lines_about_a_kill(trading, name)
        killed = facts.kill(name)
        trading.wait_for(
            lambda killed=killed: facts.running_pid(name) not in {None, killed}, BACK_SECONDS, f"{name} to come back"
        )
        trading.wait_for(lambda bars=bars: _asked(facts.bars) > bars + 3, BACK_SECONDS, "the market to go on")
        trading.wait_for(lambda rounds=rounds: _asked(facts.rounds) > rounds + 3, BACK_SECONDS, "decisions to go on")
        trading.wait_for(lambda: trading.get("trading/portfolio/")["equity"], BACK_SECONDS, "the API to answer")
        if name in TOLD and turn == 0:
            trading.wait_for(lambda said=said: lines_about_a_kill(trading, name) > said, 30, "a line about it")
    facts.assert_no_order_twice()
    assert "Traceback" not in trading.console()


def test_the_supervisor_itself(trading, facts):
    bars = facts.bars()
    before, crashes = facts.pids(), crashes_of_postgres(trading)
    supervisor = int((trading.home / "supervisor" / "supervisord.pid").read_text())
    os.kill(supervisor, signal.SIGKILL)
    trading.wait_for(
        lambda: "killed" in trading.console() and facts.running_pid("core"), 180, "the house to start again"
    )
    assert not before & facts.pids() - {trading.process.pid}
    trading.wait_for(lambda: _asked(facts.bars) > bars + 3, 180, "the market to go on")
    assert crashes_of_postgres(trading) == crashes, "what was left behind was ended by force"
    facts.assert_sound()


def _asked(question) -> int:
    """The answer, or 0 while PostgreSQL is on its way back."""
    try:
        return question()
    except psycopg.OperationalError:
        return 0


def lines_about_a_kill(firm, name: str) -> int:
    """How often the console has said that this process was killed."""
    return firm.console().count(f"{name} ended (terminated by SIGKILL)")


def crashes_of_postgres(firm) -> int:
    """How often PostgreSQL found at its start that it had not been stopped in order."""
    return (firm.home / "logs" / "postgres.log").read_text().count("was not properly shut down")
