"""Tests with real commits get a database of their own, cloned from the migrated one.

Django would empty every table instead, which the append-only triggers refuse, and which would take the rows with it
that migrations made. A clone costs a third of a second, so it is kept for the next such test and put back as it was:
what the test wrote is deleted past all triggers, and sequences count anew. A test that changed the schema, or a server
that does not let us past its triggers, gets another clone.
"""

import itertools
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.db import DatabaseError, connection, transaction
from django.test import TransactionTestCase

USES_OF_A_CLONE = 40  # deleted rows stay in its files, which only a new one is without
_numbers = itertools.count(1)
_kept: "list[Clone]" = []
_templates: list[str] = []

_TABLES = """
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema)' ORDER BY 1"""
_SEQUENCES = """
    SELECT format('%I.%I', schemaname, sequencename), coalesce(last_value, start_value), last_value IS NOT NULL
    FROM pg_sequences"""
_CATALOGS = (
    "pg_attribute",
    "pg_class",
    "pg_constraint",
    "pg_index",
    "pg_namespace",
    "pg_proc",
    "pg_rewrite",
    "pg_trigger",
    "pg_type",
)
_ALTERED = (
    f"SELECT {' OR '.join(f'EXISTS (SELECT FROM {each} WHERE xmin::text::bigint >= %(born)s)' for each in _CATALOGS)}"
    " OR EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase"
    " WHERE d.datname = current_database())"
)
_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = %s AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


@dataclass(slots=True)
class Clone:
    """A clone and how it was when it was made: rows as text by table, sequences by name."""

    name: str
    template: str
    born: int
    rows: dict[str, list[str]]
    sequences: dict[str, tuple[int, bool]]
    uses: int = 0

    def put_back(self) -> bool:
        """As it was when it was made; False when its schema is another now."""
        with connection.cursor() as cursor:
            cursor.execute(_OTHERS, [self.name])
            cursor.execute("SELECT pg_advisory_unlock_all()")
            cursor.execute("UNLISTEN *")
            cursor.execute(_ALTERED, {"born": self.born})
            if cursor.fetchone()[0]:
                return False
            with transaction.atomic():
                cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger, no reference is asked
                for table, rows in self.rows.items():
                    self._put_back_table(cursor, table, rows)
            for name, (value, called) in _sequences(cursor).items():
                if (value, called) != self.sequences[name]:
                    cursor.execute("SELECT setval(%s, %s, %s)", [name, *self.sequences[name]])
        return True

    @staticmethod
    def _put_back_table(cursor: Any, table: str, rows: list[str]) -> None:
        if rows:
            cursor.execute(f"SELECT t::text FROM {table} t")
            if sorted(row for (row,) in cursor.fetchall()) == rows:
                return
        cursor.execute(f"DELETE FROM {table}")
        for row in rows:
            cursor.execute(f"INSERT INTO {table} SELECT (%s::{table}).*", [row])


def clone_for_transaction_tests() -> None:
    """From now on ``django_db(transaction=True)``, ``transactional_db`` and ``live_server`` work on a clone."""
    TransactionTestCase._fixture_setup = classmethod(lambda _: enter_clone())
    TransactionTestCase._fixture_teardown = lambda _: leave_clone()


def database_url(*, port: int | None = None, name: str = "") -> str:
    """The database of this test as another process finds it; ``port``: of a line to its server, ``name``: another."""
    at = connection.settings_dict
    user = f"{at['USER']}:{quote(at['PASSWORD'])}"
    return f"postgresql://{user}@{at['HOST']}:{port or at['PORT']}/{name or at['NAME']}"


def enter_clone() -> None:
    """Work on the clone until ``leave_clone``."""
    template = connection.settings_dict["NAME"]
    disconnect()
    _templates.append(template)
    if not _kept:
        _kept.append(_make(template))
    connection.settings_dict["NAME"] = _kept[0].name


def leave_clone() -> None:
    """Put the clone back as it was, or drop it, and work on the migrated database again."""
    clone = _kept[0]
    clone.uses += 1
    connection.close()
    try:
        fresh = clone.uses < USES_OF_A_CLONE and clone.put_back()
    except DatabaseError:  # it could not even be asked, as after a test that left it read-only
        fresh = False
    if not fresh:
        _kept.clear()
    disconnect()
    connection.settings_dict["NAME"] = _templates.pop()
    if not fresh:
        _drop(clone)


def _make(template: str) -> Clone:
    name = f"{template}_{os.getpid()}_{next(_numbers)}"
    with connection._nodb_cursor() as cursor:
        cursor.execute(_OTHERS, [template])
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    connection.settings_dict["NAME"] = name
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            born = cursor.fetchone()[0]
            cursor.execute(_TABLES)
            rows = {}
            for (table,) in cursor.fetchall():
                cursor.execute(f"SELECT t::text FROM {table} t")
                rows[table] = sorted(row for (row,) in cursor.fetchall())
            return Clone(name, template, born, rows, _sequences(cursor))
    finally:
        disconnect()
        connection.settings_dict["NAME"] = template


def _sequences(cursor: Any) -> dict[str, tuple[int, bool]]:
    cursor.execute(_SEQUENCES)
    return {name: (value, called) for name, value, called in cursor.fetchall()}


def drop_clone() -> None:
    """At the end of a run."""
    while _kept:
        _drop(_kept.pop())


def _drop(clone: Clone) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{clone.name}" WITH (FORCE)')


def disconnect() -> None:
    """End this process's connections, so that the database can be copied or dropped."""
    with suppress(DatabaseError):
        connection.close()
    connection.close_pool()
