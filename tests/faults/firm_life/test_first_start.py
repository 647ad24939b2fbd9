"""`up` for the first time, as a person lives with it: what it says, the password it made, a second one by mistake."""

import stat

import pytest

pytestmark = pytest.mark.faults


def test_it_says_where_to_look_and_the_market_moves(firm, facts):
    firm.wait_for(lambda: facts.bars() > 502, 120, "some bars")
    assert "SIMULATED MARKET" in firm.console()
    assert firm.url in firm.console()


def test_the_password_it_made_is_said_once_and_kept_private(firm):
    login = firm.home / "first-login.txt"
    assert stat.S_IMODE(login.stat().st_mode) == 0o600
    assert len(firm.password) >= 16
    assert firm.console().count(firm.password) == 1
    assert firm.get("trading/portfolio/")["equity"]


def test_a_second_one_in_the_same_home_is_refused(firm):
    second = firm.manage("up")
    assert second.returncode == 1
    assert f"TradingHQ runs in {firm.home} already" in second.stderr
    assert "Traceback" not in second.stderr
