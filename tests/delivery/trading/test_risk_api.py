"""Limits with history and use, venues and causes, budgets: over REST, by role, with the field and the remedy named."""

from uuid import uuid4

import pytest

from apps.trading.operations.execution.record_venue_answer import record_venue_answer
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db
LIMITS = "/api/v1/trading/risk/limits/"
HISTORY = "/api/v1/trading/risk/limits/history/"
USE = "/api/v1/trading/risk/use/"
STATE = "/api/v1/trading/risk/state/"
BUDGETS = "/api/v1/trading/budgets/"


@pytest.fixture
def desk(clean_redis):
    return open_desk()


@pytest.fixture
def boss(person):
    return person("risk")


def test_every_change_is_a_version_with_who_when_why_and_what(desk, boss):
    assert boss.call("patch", LIMITS, {"max_open_orders": 4, "reason": "a calm week"}).status_code == 200
    assert (
        boss.call("patch", LIMITS, {"max_open_orders": 6, "max_drawdown": "0.10", "reason": "busier"}).status_code
        == 200
    )
    newest, before, first = boss.get(HISTORY).json()["results"]
    assert (newest["version"], newest["reason"]) == (3, "busier")
    assert newest["changes"] == {
        "max_open_orders": {"from": 4, "to": 6},
        "max_drawdown": {"from": "0.15", "to": "0.1"},
    }
    assert before["changes"] == {"max_open_orders": {"from": 10, "to": 4}}
    assert newest["author"] == before["author"]
    assert newest["at"] >= before["at"] >= first["at"]
    assert boss.get(HISTORY, {"ordering": "version", "limit": 1}).json()["results"] == [first]


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"max_drawdown": "1.5", "reason": "x"}, "limit_out_of_bounds", "max_drawdown"),
        ({"max_clock_skew_ms": 5, "reason": "x"}, "limit_out_of_bounds", "max_clock_skew_ms"),
        ({"correlation_bars": 10, "reason": "x"}, "limit_out_of_bounds", "correlation_bars"),
        ({"max_drawdown": "0.10", "reason": " "}, None, "reason"),
        ({"max_drawdown": "0.10"}, None, "reason"),
    ],
)
def test_a_bad_change_names_its_field_and_keeps_the_version(desk, boss, given, code, field):
    answer = boss.call("patch", LIMITS, given)
    assert answer.status_code == 400
    assert field in str(answer.json())
    assert code is None or code in str(answer.json())
    assert len(boss.get(HISTORY).json()["results"]) == 1


def test_use_is_what_the_gate_would_measure(desk, boss):
    desk.buy(quantity="0.004")
    desk.propose(symbol="ETH/USDT", quantity="0.02")
    answer = boss.get(USE).json()
    use = {row["limit"]: row for row in answer["use"]}
    assert (answer["account"], answer["stale"]) == ("paper", False)
    held = float(boss.get("/api/v1/trading/positions/").json()["results"][0]["share_of_equity"])
    assert float(use["max_position_share"]["used"]) == pytest.approx(held, abs=1e-5)
    assert use["max_position_share"]["about"] == "BTC/USDT"
    assert float(use["max_position_share"]["used_pct"]) == pytest.approx(held / 0.25 * 100, abs=0.01)
    assert float(use["max_gross_exposure"]["used"]) > held + 0.05
    assert use["max_orders_per_hour"]["used"] == 2
    assert use["max_open_orders"] == {
        "limit": "max_open_orders",
        "used": 1,
        "holds": 10,
        "used_pct": "10.00",
        "about": "Open orders",
    }
    assert use["max_clock_skew_ms"]["used_pct"] is None, "no clock was read: unknown, never zero"
    assert boss.get(USE, {"account": "nobody"}).status_code == 404


def test_the_state_names_each_cause_what_clears_it_and_each_venue(desk, boss):
    for _ in range(3):
        record_venue_answer(account="paper", ok=False, kind="timeout", latency_ms=9_000, moment=desk.moment())
    answer = boss.get(STATE).json()
    (cause,) = answer["causes"]
    (venue,) = answer["venues"]
    assert (answer["state"], cause["kind"], cause["account"]) == ("REDUCING", "venue_health", "paper")
    assert "20 s of good answers" in cause["clears"]
    assert (venue["rung"], venue["failures_in_row"], venue["last_failure_kind"]) == ("no_entries", 3, "timeout")


def test_budgets_are_set_by_role_risk_with_a_reason(desk, boss, person):
    agent = uuid4()
    wish = {"amount": "120.5", "reason": "it earned it"}
    assert person("trader").call("put", f"{BUDGETS}{agent}/", wish).status_code == 403
    assert boss.call("put", f"{BUDGETS}{agent}/", wish).json()["free"] == "120.5"
    assert boss.get(BUDGETS).json()["results"] == [
        {"agent_id": str(agent), "account": "paper", "currency": "USDT", "free": "120.5", "reserved": "0"}
    ]
    refused = boss.call("put", f"{BUDGETS}{agent}/", {"amount": "5000", "reason": "more"}).json()
    assert refused["code"] == "insufficient_balance"
    assert "the firm has 879.5 free" in refused["detail"]
