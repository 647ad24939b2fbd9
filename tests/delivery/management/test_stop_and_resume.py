"""The stop button over REST: halts first, cancels, pauses the fleet, stays, and needs a reason to end."""

from decimal import Decimal

import pytest
from django.db import connection

from apps.foundation.audit import verify
from apps.foundation.models import AuditEntry
from apps.management.models import FleetState
from apps.trading.queries import trading_state
from tests.support.celery_broker import broker_at
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def test_it_halts_cancels_and_pauses_with_an_empty_body(desk, person):
    order = desk.propose(type="limit", limit_price=Decimal(40000))
    desk.send(order)
    assert desk.order(order).state == "ACCEPTED"
    answer = person("trader").post("/api/v1/trading/stop/")
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["state"], body["newly_halted"], body["agents"]) == ("HALTED", True, "stopping")
    assert "stop guard" in body["note"]
    assert trading_state().state == "HALTED"
    desk.sweep(later=5)
    assert desk.order(order).state == "CANCELED"
    assert FleetState.objects.get().paused


def test_both_slash_forms_and_a_repetition_do_no_harm(desk, person):
    trader = person("trader")
    assert trader.post("/api/v1/trading/stop", {"reason": "Strange prices."}).status_code == 200
    again = trader.post("/api/v1/trading/stop/", {"reason": "Strange prices."})
    assert (again.status_code, again.json()["newly_halted"]) == (200, False)
    assert [cause.kind for cause in trading_state().causes] == ["operator_stop"]


def test_a_key_repeats_the_answer(desk, person):
    trader = person("trader")
    first = trader.post("/api/v1/trading/stop/", {}, idempotency_key="stop-1")
    second = trader.post("/api/v1/trading/stop/", {}, idempotency_key="stop-1")
    assert first.json() == second.json()


def test_resuming_needs_a_reason_and_the_role_risk(desk, person):
    trader, risk = person("trader"), person("risk")
    trader.post("/api/v1/trading/stop/")
    assert trader.post("/api/v1/trading/resume/", {"reason": "Fine again."}).status_code == 403
    for body in ({}, {"reason": ""}, {"reason": "   "}, {"reason": None}, {"reason": "ok", "extra": 1}):
        answer = risk.post("/api/v1/trading/resume/", body)
        assert (answer.status_code, answer["content-type"]) == (400, "application/problem+json"), body
    assert trading_state().state == "HALTED"
    answer = risk.post("/api/v1/trading/resume/", {"reason": "The prices were checked."})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["state"], answer.json()["agents"]) == ("ACTIVE", "starting")
    assert not FleetState.objects.get().paused


def test_who_may_not_stop_changes_nothing(desk, person, stranger):
    assert person("viewer").post("/api/v1/trading/stop/").status_code == 403
    assert stranger.post("/api/v1/trading/stop/").status_code == 401
    for body in ({"flatten": "maybe"}, {"unknown": 1}, {"reason": "x" * 501}, [1]):
        assert person("trader").post("/api/v1/trading/stop/", body).status_code == 400, body
    assert trading_state().state == "ACTIVE"
    assert not FleetState.objects.filter(paused=True).exists()


@pytest.fixture
def broker_away():
    """Celery's own connection, to a port that nobody listens on."""
    with broker_at("redis://127.0.0.1:1/0"):
        yield


def test_a_stop_needs_no_broker(desk, person, broker_away):
    answer = person("trader").post("/api/v1/trading/stop/")
    assert answer.status_code == 200
    assert answer.json()["progress"]["agents_left"] == 0
    assert trading_state().state == "HALTED"
    assert FleetState.objects.get().paused


def test_it_is_audited(desk, person):
    person("trader").post("/api/v1/trading/stop/", {"reason": "Strange prices."})
    assert AuditEntry.objects.filter(action="fleet.paused", actor="trader-1").count() == 1
    assert verify().ok
    assert not connection.in_atomic_block
