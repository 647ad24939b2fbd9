"""Signed-in clients of every role, and views of our own to try the plumbing on."""

from dataclasses import dataclass, field

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from apps.foundation.permissions import ensure_roles

PASSWORD = "correct horse battery staple"


@dataclass
class Person:
    """A user with tokens; ``get``, ``post`` ... speak JSON as that user."""

    username: str
    client: Client
    access: str = ""
    refresh: str = ""
    session_id: str = ""
    headers: dict = field(default_factory=dict)

    def call(self, method, path, body=None, **headers):
        sent = {"authorization": f"Bearer {self.access}", **self.headers, **headers} if self.access else headers
        arguments = {} if method in {"get", "head"} else {"data": body, "content_type": "application/json"}
        if method in {"get", "head"} and body is not None:
            arguments["data"] = body
        elif body is None:
            arguments.pop("data", None)
        return getattr(self.client, method)(path, headers=sent, **arguments)

    def get(self, path, query=None, **headers):
        return self.call("get", path, query, **headers)

    def post(self, path, body=None, **headers):
        return self.call("post", path, body, **headers)


def make_user(username, role):
    ensure_roles()
    user = User.objects.create_user(username, password=PASSWORD)
    if role is not None:
        user.groups.add(Group.objects.get(name=role))
    return user


def sign_in(username, password=PASSWORD):
    person = Person(username, Client(raise_request_exception=False))
    answer = person.post("/api/v1/auth/token/", {"username": username, "password": password})
    assert answer.status_code == 200, answer.content
    given = answer.json()
    person.access, person.refresh, person.session_id = given["access"], given["refresh"], given["session_id"]
    return person


@pytest.fixture
def stranger():
    return Person("stranger", Client(raise_request_exception=False))


@pytest.fixture
def person(clean_redis):
    """``person("trader")`` makes a user of that role and signs in."""
    made = []

    def make(role):
        made.append(role)
        user = make_user(f"{role}-{len(made)}", role)
        return sign_in(user.username)

    return make


@pytest.fixture(autouse=True)
def fast_passwords(settings):
    """Real hashing, fewer rounds: the tests sign in often."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
