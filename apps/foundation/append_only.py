"""Append-only tables: the database refuses UPDATE, DELETE and TRUNCATE, whoever asks."""

from django.db import migrations


def protect(table: str) -> migrations.RunSQL:
    """The migration step that makes ``table`` append-only.

    Its migration depends on ``("foundation", "0002_database_functions")`` and on the one that creates the table.
    """
    return migrations.RunSQL(
        f"SELECT hq_protect_append_only('{table}')",
        f"DROP TRIGGER hq_append_only_row ON {table}; DROP TRIGGER hq_append_only_table ON {table}",
    )
