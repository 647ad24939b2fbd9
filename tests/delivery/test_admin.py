"""The admin: every table can be looked at, the home shows the firm's state, a person's role decides who comes in."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client

from apps.foundation.clock import wall_now
from apps.foundation.identifiers import new_id
from apps.foundation.models import AuditEntry, AuthSession
from apps.foundation.permissions import ensure_roles
from apps.management.models import Incident
from tests.delivery.conftest import PASSWORD, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    User.objects.create_superuser("boss", password=PASSWORD)
    client = Client()
    assert client.login(username="boss", password=PASSWORD)
    return client


def registered():
    return sorted(admin.site._registry.items(), key=lambda pair: pair[0]._meta.label)


def test_the_home_shows_state_incidents_and_the_way_back(boss):
    now = wall_now()
    told = {"kind": "feed_silent", "subject": "kraken", "severity": "warning", "detail": "No price for 30 s."}
    Incident.objects.create(pk=new_id(), opened_at=now, last_seen_at=now, **told)
    page = boss.get("/admin/").content.decode()
    assert "kraken: No price for 30 s." in page
    assert "The market has not started yet." in page
    assert "Back to the desk" in page
    assert "PAPER" in page


@pytest.mark.parametrize("model", [model for model, _ in registered()], ids=lambda model: model._meta.label)
def test_every_table_has_its_page(boss, model):
    name = f"{model._meta.app_label}/{model._meta.model_name}"
    assert boss.get(f"/admin/{name}/").status_code == 200
    assert boss.get(f"/admin/{name}/", {"q": "x", "o": "1"}).status_code == 200
    assert boss.get(f"/admin/{name}/add/").status_code in {200, 403}


def test_every_model_of_ours_is_there():
    from django.apps import apps

    ours = {model for model in apps.get_models() if model.__module__.startswith("apps.")}
    assert {model._meta.label for model in ours - {model for model, _ in registered()}} == set()


def test_money_can_be_looked_at_and_not_changed(boss, rf):
    request = rf.get("/")
    request.user = User.objects.get(username="boss")
    for model, page in registered():
        if model._meta.app_label == "trading":
            assert page.has_add_permission(request) == (model.__name__ == "RiskLimits"), model  # a form of an operation
            assert not page.has_change_permission(request), model
            assert not page.has_delete_permission(request), model


@pytest.mark.parametrize("role", ["viewer", "trader", "risk", "admin", None])
def test_a_role_alone_does_not_open_the_admin(role):
    make_user("someone", role)
    client = Client()
    client.login(username="someone", password=PASSWORD)
    assert client.get("/admin/").status_code == 302


def test_a_role_given_in_the_admin_ends_the_persons_sessions(boss, person):
    viewer = person("viewer")
    user = User.objects.get(username=viewer.username)
    ensure_roles()
    form = {
        "username": user.username,
        "is_active": "on",
        "groups": [Group.objects.get(name="trader").pk],
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
    }
    answer = boss.post(f"/admin/auth/user/{user.pk}/change/", form)
    assert answer.status_code == 302, answer.content[:2000]
    assert AuthSession.objects.get(user=user).revoked_at is not None


def test_the_four_roles_can_be_neither_added_nor_deleted(boss):
    ensure_roles()
    assert boss.get("/admin/auth/group/add/").status_code == 403
    group = Group.objects.get(name="risk")
    assert boss.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"}).status_code == 403


def test_an_admin_ends_a_session(boss, person):
    viewer = person("viewer")
    chosen = {"action": "end_sessions", "_selected_action": [viewer.session_id]}
    assert boss.post("/admin/foundation/authsession/", chosen).status_code == 302
    assert AuthSession.objects.get(pk=viewer.session_id).revoked_at is not None
    assert AuditEntry.objects.filter(action="session.ended", actor="boss").count() == 1


def test_the_admins_door_and_the_apis_count_together(clean_redis, stranger):
    User.objects.create_superuser("boss", password=PASSWORD)
    for _ in range(4):
        stranger.post("/api/v1/auth/token/", {"username": "boss", "password": "wrong"})
        Client().post("/admin/login/", {"username": "boss", "password": "wrong"})
    answer = Client().post("/admin/login/", {"username": "boss", "password": PASSWORD})
    assert answer.status_code == 200
    assert "Too many failed sign-ins" in answer.content.decode()
    assert stranger.post("/api/v1/auth/token/", {"username": "boss", "password": PASSWORD}).status_code == 429


def test_signing_in_leads_to_the_home(clean_redis):
    User.objects.create_superuser("boss", password=PASSWORD)
    answer = Client().post("/admin/login/", {"username": "boss", "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
