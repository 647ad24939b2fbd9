"""The bare part of an order: the rows that one order transaction left, written by bare psycopg to copies of the tables.

The rows are found by the transaction that wrote them (``xmin``), so the comparison follows the schema by itself.
"""

import random
import uuid
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

SCHEMA = "bare"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the transaction: inserted into the table's copy, or updated there by its primary key."""

    table: str
    values: dict[str, Any]
    fresh: tuple[str, ...]
    key: str
    updated: bool


def rows_of_last_order(connection: psycopg.Connection, counts_before: dict[str, int]) -> list[Row]:
    """All rows written by the transaction of the newest order, with what must be unique in each."""
    xmin = connection.execute("SELECT xmin::text FROM trading_order ORDER BY proposed_wall DESC LIMIT 1").fetchone()[0]
    found: list[Row] = []
    for table, before in counts_before.items():
        query = sql.SQL("SELECT * FROM {} WHERE xmin::text = %s").format(sql.Identifier(table))
        cursor = connection.execute(query, [xmin])
        names = [column.name for column in cursor.description]
        written = cursor.fetchall()
        inserted = count(connection, table) > before
        for values in written:
            fresh, key, skipped = _unique_columns(connection, table)
            kept = {n: Jsonb(v) if isinstance(v, dict | list) else v for n, v in zip(names, values, strict=True)}
            if inserted:
                kept = {n: v for n, v in kept.items() if n not in skipped}
            found.append(Row(table, kept, tuple(n for n in fresh if n in kept), key, updated=not inserted))
    return found


def tables(connection: psycopg.Connection) -> list[str]:
    query = (
        "SELECT tablename FROM pg_tables"
        " WHERE schemaname = 'public' AND tablename ~ '^(trading|foundation)_' ORDER BY 1"
    )
    return [name for (name,) in connection.execute(query)]


def count(connection: psycopg.Connection, table: str) -> int:
    return connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()[0]


def make_copies(connection: psycopg.Connection, rows: list[Row]) -> None:
    """Empty copies of the tables with their indexes and checks, without triggers; updated rows are put there once."""
    connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    connection.execute(f"CREATE SCHEMA {SCHEMA}")
    for table in {row.table for row in rows}:
        copy = sql.SQL("CREATE TABLE {}.{} (LIKE public.{} INCLUDING ALL)")
        connection.execute(copy.format(sql.Identifier(SCHEMA), sql.Identifier(table), sql.Identifier(table)))
    for row in rows:
        if row.updated:
            connection.execute(_insert(row), list(row.values.values()))
    connection.commit()


def write(connection: psycopg.Connection, rows: list[Row]) -> None:
    """The transaction: each row once, fresh values where the table wants them unique, then commit."""
    for row in rows:
        if row.updated:
            connection.execute(_update(row), [*row.values.values(), row.values[row.key]])
        else:
            values = {name: _another(value) if name in row.fresh else value for name, value in row.values.items()}
            connection.execute(_insert(row), list(values.values()))
    connection.commit()


def _another(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return uuid.uuid4()
    if isinstance(value, bytes):
        return random.randbytes(len(value))
    if isinstance(value, int):
        return random.getrandbits(60)
    return uuid.uuid4().hex[:32]


def _insert(row: Row) -> sql.Composed:
    return sql.SQL("INSERT INTO {}.{} ({}) VALUES ({})").format(
        sql.Identifier(SCHEMA),
        sql.Identifier(row.table),
        sql.SQL(", ").join(map(sql.Identifier, row.values)),
        sql.SQL(", ").join([sql.Placeholder()] * len(row.values)),
    )


def _update(row: Row) -> sql.Composed:
    pairs = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in row.values)
    return sql.SQL("UPDATE {}.{} SET {} WHERE {} = %s").format(
        sql.Identifier(SCHEMA), sql.Identifier(row.table), pairs, sql.Identifier(row.key)
    )


def _unique_columns(connection: psycopg.Connection, table: str) -> tuple[list[str], str, list[str]]:
    """The last column of each unique index, the primary key, and columns that number themselves."""
    query = """
        SELECT a.attname, i.indisprimary, a.attidentity <> '' AS numbers_itself
        FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[i.indnatts - 1]
        WHERE i.indrelid = %s::regclass AND i.indisunique"""
    found = connection.execute(query, [f"public.{table}"]).fetchall()
    types = dict(
        connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s",
            [table],
        ).fetchall()
    )
    skipped = [name for name, _, numbers_itself in found if numbers_itself]
    key = next(name for name, primary, _ in found if primary)
    fresh = [
        n for n, _, own in found if not own and types[n] in {"uuid", "text", "character varying", "bigint", "bytea"}
    ]
    return fresh, key, skipped
