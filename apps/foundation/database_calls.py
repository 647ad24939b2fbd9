"""Statements that every order waits for: bound on the server and planned once, a round trip each."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection

_CALLS_BEFORE_PREPARING = 2


def call(function: str, *arguments: Any) -> Any:
    """What the database's own ``function`` answers: its one value. As ``ask``."""
    row = ask(f"SELECT {function}({', '.join(['%s'] * len(arguments))})", arguments)
    return row[0] if row else None


def ask(statement: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
    """The first row of ``statement``, None where it has none. Runs in the running transaction.

    ``values`` stay apart from the text, so it is always the same text: the ORM's cursors put them into it, and the
    server then parses and plans it each time. Raises Django's database errors.
    """
    with _prepared() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


def tell(statement: str, values: Sequence[Any]) -> None:
    """Carry out ``statement``, which answers nothing. As ``ask``."""
    with _prepared() as cursor:
        cursor.execute(statement, values)


@contextmanager
def _prepared() -> Iterator[psycopg.Cursor]:
    connection.ensure_connection()
    link: psycopg.Connection = connection.connection
    link.prepare_threshold = _CALLS_BEFORE_PREPARING
    with connection.wrap_database_errors, psycopg.Cursor(link) as cursor:
        yield cursor
