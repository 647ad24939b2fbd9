"""The admin shows every table, edits no money, and acts through the operations."""

from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse

from apps.trading.models import Order, RiskLimits, StateCause
from apps.trading.queries import current_limits
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db
MODELS = list(apps.get_app_config("trading").get_models())


@pytest.fixture
def desk(clean_redis):
    return open_desk()


@pytest.fixture
def boss(client):
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


def test_every_table_is_registered():
    assert [model for model in MODELS if not admin.site.is_registered(model)] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_list_and_page_opens_and_nothing_can_be_edited(desk, boss, model):
    desk.buy()
    label = f"admin:trading_{model._meta.model_name}"
    assert boss.get(reverse(f"{label}_changelist")).status_code == 200
    assert boss.get(reverse(f"{label}_add")).status_code == (200 if model is RiskLimits else 403)
    row = model.objects.first()
    if row is not None:
        page = reverse(f"{label}_change", args=[row.pk])
        assert boss.get(page).status_code == 200
        assert boss.post(page, {}).status_code == 403
        assert boss.post(reverse(f"{label}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def act(boss, model, action, row):
    address = reverse(f"admin:trading_{model}_changelist")
    return boss.post(address, {"action": action, "_selected_action": [str(row.pk)]}, follow=True)


def test_actions_cancel_close_halt_and_resume(desk, boss):
    order_id = desk.propose(type="limit", limit_price=Decimal(40_000))
    act(boss, "order", "cancel", desk.order(order_id))
    assert desk.order(order_id).state == "CANCELED"
    desk.buy()
    act(boss, "position", "close", desk.position())
    sale = Order.objects.get(side="sell", is_protective=False)
    assert (sale.reduce_only, sale.actor) == (True, "boss")
    act(boss, "portfolio", "halt", sale.portfolio)
    cause = StateCause.objects.get()
    assert (cause.kind, cause.author, cause.closed_wall) == ("operator_stop", "boss", None)
    act(boss, "statecause", "resume", cause)
    cause.refresh_from_db()
    assert cause.closed_by == "boss"


def test_staff_without_the_role_can_not_act(desk, client):
    order_id = desk.propose(type="limit", limit_price=Decimal(40_000))
    staff = User.objects.create_user("staff", password="x", is_staff=True)
    client.force_login(staff)
    act(client, "order", "cancel", desk.order(order_id))
    assert desk.order(order_id).state == "APPROVED"


def limits_form(**changes):
    holds = {name: str(value) for name, value in current_limits().stored().items()}
    return holds | {"reason": "calmer days"} | changes


def test_limits_are_changed_by_a_form_that_asks_why(desk, boss):
    page = reverse("admin:trading_risklimits_add")
    assert "Largest order" in boss.get(page).content.decode()
    assert boss.post(page, limits_form(max_order_notional="120", max_open_orders="4")).status_code == 302
    row = RiskLimits.objects.order_by("-version").first()
    assert (row.author, row.reason) == ("boss", "calmer days")
    assert row.changes == {
        "max_order_notional": {"from": "250", "to": "120"},
        "max_open_orders": {"from": 10, "to": 4},
    }
    assert current_limits().max_order_notional == 120


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"reason": ""}, "This field is required"),
        ({"max_position_share": "1.5"}, "max_position_share must lie between 0.0001 and 1, was 1.5"),
        ({"max_open_orders": "x"}, "Enter a whole number"),
        ({}, "Name at least one limit to change"),
    ],
)
def test_a_bad_form_says_what_is_wrong_and_changes_nothing(desk, boss, given, said):
    versions = RiskLimits.objects.count()
    answer = boss.post(reverse("admin:trading_risklimits_add"), limits_form(**given))
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert RiskLimits.objects.count() == versions


def test_limits_need_the_role_risk(desk, client):
    client.force_login(User.objects.create_user("staff", password="x", is_staff=True))
    assert client.get(reverse("admin:trading_risklimits_add")).status_code == 403
