"""The database's triggers bind everybody: the library's switch to leave them out is taken away after each migration.

A session could name triggers to ignore; every trigger asked for that at each row, which cost more than most of them do.
"""

from typing import Any

from django.db import connections

_NEVER = """
CREATE OR REPLACE FUNCTION _pgtrigger_should_ignore(trigger_name name) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT false $$;
"""


def bind_triggers(*, using: str, **_: Any) -> None:
    """Replace the library's look at ``pgtrigger.ignore`` by a constant. Receives ``post_migrate``."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regproc('_pgtrigger_should_ignore') IS NOT NULL")
        if cursor.fetchone()[0]:
            cursor.execute(_NEVER)
