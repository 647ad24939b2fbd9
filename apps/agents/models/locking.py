"""Advisory locks of the room: work that must happen one after another although no single row stands for it."""

from django.db import connection

OPENING = 7_301_001
CLOSING = 7_301_002
CREATING = 7_301_003
PROMOTING = 7_301_004


def take(lock: int) -> None:
    """Wait for ``lock`` and hold it until the running transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])


def take_if_free(lock: int) -> bool:
    """Hold ``lock`` until the running transaction ends, unless somebody else has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock])
        return bool(cursor.fetchone()[0])
