"""The admin shows every table, edits no money, and acts through the operations."""

from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse

from apps.trading.models import Order, StateCause
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
    assert boss.get(reverse(f"{label}_add")).status_code == 403
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
