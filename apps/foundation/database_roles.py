"""What the app's database role may do: everything the house needs, and nothing that changes a record."""

from collections.abc import Iterable

import psycopg
from psycopg import sql

AUDIT_TABLES = (
    "foundation_audit_entry",
    "foundation_audit_head",
)  # written by hq_audit_append, with its owner's rights
APP_ROLE = "hq_app"


def grant_app_role(*, owner_url: str, append_only: Iterable[str] = (), role: str = APP_ROLE) -> bool:
    """Grant ``role`` its rights on the schema ``public``; False, and nothing done, when there is no such role.

    ``owner_url`` connects as the owner of the tables. On the ``append_only`` tables the role may read and insert, on
    the audit tables read. Run it after every migrate; it may run again. Raises ``psycopg.Error``.
    """
    with psycopg.connect(owner_url) as owner:
        if owner.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
            return False
        name = sql.Identifier(role)
        for statement in _statements():
            owner.execute(sql.SQL(statement).format(role=name))
        for table in append_only:
            revoke = "REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}"
            owner.execute(sql.SQL(revoke).format(table=sql.Identifier(table), role=name))
        for table in AUDIT_TABLES:
            revoke = "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {table} FROM {role}"
            owner.execute(sql.SQL(revoke).format(table=sql.Identifier(table), role=name))
    return True


def _statements() -> tuple[str, ...]:
    return (
        "GRANT USAGE ON SCHEMA public TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}",
        "REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}",
    )
