import os
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from apps.foundation.database_roles import grant_app_role

pytestmark = pytest.mark.django_db(transaction=True)
APPEND = "SELECT hq_audit_append('operations', 'a', 'b', 'c', '{}', now(), now(), 0)"


@pytest.fixture
def owner_url():
    facts = connection.settings_dict
    address = f"{facts['USER']}:{facts['PASSWORD']}@{facts['HOST']}:{facts['PORT']}"
    return urlunsplit(("postgresql", address, f"/{facts['NAME']}", "", ""))


@pytest.fixture
def role(owner_url):
    """The embedded server's own app role; on a server of the tester's, a role that lives as long as the test."""
    if "TEST_APP_DATABASE_URL" in os.environ:
        yield urlsplit(os.environ["TEST_APP_DATABASE_URL"]).username
        return
    name = f"hq_app_{uuid4().hex[:12]}"
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
        yield name
        owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
        owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture
def app(owner_url, role):
    """A connection of the app's role."""
    assert grant_app_role(owner_url=owner_url, append_only=["foundation_inbox_entry"], role=role)
    own = os.environ.get("TEST_APP_DATABASE_URL")
    url = urlunsplit(urlsplit(own)._replace(path=urlsplit(owner_url).path)) if own else owner_url
    with psycopg.connect(url, autocommit=True) as as_app:
        if not own:
            as_app.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        yield as_app


def test_without_the_role_nothing_is_done(owner_url):
    assert urlsplit(owner_url).path
    assert grant_app_role(owner_url=owner_url, role="hq_nobody") is False


def test_granting_twice_is_granting_once(owner_url, role):
    assert grant_app_role(owner_url=owner_url, role=role)
    assert grant_app_role(owner_url=owner_url, role=role)


MAY = [
    APPEND,
    "SELECT * FROM foundation_audit_entry",
    "SELECT * FROM foundation_audit_head",
    "INSERT INTO foundation_inbox_entry (consumer, event_id) VALUES ('c', 1)",
    "UPDATE foundation_outbox_event SET published_at = now()",
    "DELETE FROM foundation_outbox_event",
    "SELECT * FROM django_migrations",
]
MAY_NOT = [
    "INSERT INTO foundation_audit_head (chain, seq, hash) VALUES ('operations', 9, 'x')",
    "UPDATE foundation_audit_head SET seq = 0",
    "DELETE FROM foundation_audit_head",
    "INSERT INTO foundation_audit_entry SELECT * FROM foundation_audit_entry",
    "UPDATE foundation_audit_entry SET actor = 'eve'",
    "DELETE FROM foundation_audit_entry",
    "TRUNCATE foundation_audit_entry",
    "ALTER TABLE foundation_audit_entry DISABLE TRIGGER USER",
    "DROP TRIGGER hq_append_only_row ON foundation_audit_entry",
    "SET session_replication_role = replica",
    "UPDATE foundation_inbox_entry SET event_id = 2",
    "DELETE FROM foundation_inbox_entry",
    "TRUNCATE foundation_outbox_event",
    "DELETE FROM django_migrations",
    "CREATE TABLE public.mine (x int)",
]


def is_refused(app, statement):
    try:
        app.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


def test_the_app_may_do_its_work_and_not_change_a_record(app):
    assert [statement for statement in MAY if is_refused(app, statement)] == []
    assert [statement for statement in MAY_NOT if not is_refused(app, statement)] == []
