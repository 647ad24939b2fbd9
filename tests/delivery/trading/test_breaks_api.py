"""The queue of breaks over REST and in the admin: who may look, who may decide, and what they are told."""

from decimal import Decimal

import pytest

from apps.trading.domain.venues.break_kinds import BreakKind
from apps.trading.models import AccountReconciliation, Portfolio, ReconciliationBreak
from apps.trading.operations.reconciliation.record_break import Finding, keep_break
from apps.trading.operations.reconciliation.want_reconciliation import TASK
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(clean_redis):
    return open_desk()


@pytest.fixture
def gap(desk):
    """The paper account has 25 USDT that the books don't know."""
    finding = Finding(
        account="paper",
        kind=BreakKind.BALANCE_GAP,
        cause="gap:USDT",
        detail="The venue has 25 USDT more than our books.",
        asset="USDT",
        amount=Decimal(25),
        quarantines=False,
    )
    return keep_break(finding, moment=desk.moment())


def test_a_viewer_sees_the_queue_with_choices_and_filters(person, gap):
    viewer = person("viewer")
    (row,) = viewer.get("/api/v1/trading/breaks/", {"state": "OPEN", "account": "paper"}).json()["results"]
    assert row == viewer.get(f"/api/v1/trading/breaks/{gap}/").json()
    assert (row["kind"], row["amount"], row["instrument"]) == ("balance_gap", "25", None)
    assert [each["choice"] for each in row["choices"]] == ["accept_transfer", "ignore", "stay"]
    assert row["what_to_do"]
    assert viewer.get("/api/v1/trading/breaks/", {"kind": "order_gone"}).json()["results"] == []
    refused = viewer.post(f"/api/v1/trading/breaks/{gap}/resolve/", {"choice": "ignore", "reason": "x"})
    assert refused.status_code == 403


def test_role_risk_decides_once_with_a_reason(person, gap):
    risk = person("risk")
    path = f"/api/v1/trading/breaks/{gap}/resolve/"
    for body, field in (
        ({"choice": "accept_transfer"}, "reason"),
        ({"choice": "accept_transfer", "reason": "  "}, "reason"),
        ({"choice": "burn", "reason": "x"}, "choice"),
        ({"choice": "adopt_trade", "reason": "x"}, "choice"),
    ):
        answer = risk.post(path, body)
        assert answer.status_code == 400, body
        assert field in str(answer.json())
    answer = risk.post(path, {"choice": "accept_transfer", "reason": "A deposit of mine."})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["state"], told["choice_by"], told["choices"]) == ("RESOLVED", risk.username, [])
    assert Portfolio.objects.get().starting_capital == 1025
    again = risk.post(path, {"choice": "ignore", "reason": "Once more."})
    assert (again.status_code, again.json()["code"]) == (409, "break_closed")
    assert risk.get("/api/v1/trading/portfolio/").json()["pnl"] == "0"


def test_a_comparison_out_of_turn_is_left_to_the_executor(person, desk, monkeypatch):
    sent = []
    monkeypatch.setattr("tradinghq.celery.app.send_task", lambda name, **options: sent.append((name, options)))
    trader = person("trader")
    answer = trader.post("/api/v1/trading/accounts/paper/reconcile/")
    assert answer.status_code == 202, answer.content
    assert answer.json()["reconciled"] is True
    assert AccountReconciliation.objects.get().wanted_wall is not None
    assert sent
    assert sent[0][0] == TASK
    assert trader.get("/api/v1/trading/accounts/paper/reconcile/").json()["account"] == "paper"
    assert trader.post("/api/v1/trading/accounts/nowhere/reconcile/").status_code == 404


def test_the_admin_decides_through_the_same_operation(admin_client, gap):
    page = admin_client.get("/admin/trading/reconciliationbreak/")
    assert page.status_code == 200
    answer = admin_client.post(
        "/admin/trading/reconciliationbreak/", {"action": "ignore", "_selected_action": [str(gap)]}, follow=True
    )
    assert "done" in answer.content.decode()
    row = ReconciliationBreak.objects.get()
    assert (row.state, row.choice, row.choice_by) == ("RESOLVED", "ignore", "admin")
    assert Portfolio.objects.get().starting_capital == 1000
