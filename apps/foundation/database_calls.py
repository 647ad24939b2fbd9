"""Calls of the database's own functions where every order waits for them: bound on the server, planned once."""

from typing import Any

import psycopg
from django.db import connection

_CALLS_BEFORE_PREPARING = 2


def call(function: str, *arguments: Any) -> Any:
    """What ``function`` answers: its one value. Runs in the running transaction; raises Django's database errors.

    The ORM's cursors put the values into the text, which the server then parses and plans at each call.
    """
    connection.ensure_connection()
    link: psycopg.Connection = connection.connection
    link.prepare_threshold = _CALLS_BEFORE_PREPARING
    places = ", ".join(["%s"] * len(arguments))
    with connection.wrap_database_errors, psycopg.Cursor(link) as cursor:
        cursor.execute(f"SELECT {function}({places})", arguments)
        row = cursor.fetchone()
    return row[0] if row else None
