"""Connections outside the ORM's pool: those that listen."""

from typing import Any

import psycopg
from django.db import connection


def connection_facts() -> dict[str, Any]:
    """What ``psycopg.connect`` needs to reach the database that the ORM uses."""
    settings = connection.settings_dict
    facts = {
        "dbname": settings["NAME"],
        "user": settings["USER"],
        "password": settings["PASSWORD"],
        "host": settings["HOST"],
        "port": settings["PORT"],
    }
    return {name: value for name, value in facts.items() if value}


def listening_connection(channel: str) -> psycopg.Connection:
    """An own connection, in autocommit, that hears ``channel``. Raises ``psycopg.Error`` when PostgreSQL is away."""
    listener = psycopg.connect(
        **connection_facts(), autocommit=True, connect_timeout=3, application_name=f"tradinghq listen {channel}"
    )
    listener.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
    return listener
