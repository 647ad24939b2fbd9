"""Periodic tasks run once in their time, however many schedulers send them and however often a message is delivered."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import F

from apps.foundation.models import PeriodicRun

# One statement: of several that come at once the row's lock lets one pass, and the others find it begun.
_BEGIN = """
INSERT INTO foundation_periodic_run AS last (name, begun_at, runs, left_alone) VALUES (%s, clock_timestamp(), 1, 0)
ON CONFLICT (name) DO UPDATE SET begun_at = excluded.begun_at, runs = last.runs + 1
WHERE last.begun_at <= excluded.begun_at - %s
RETURNING runs
"""


def begin_run(*, name: str, every: timedelta) -> bool:
    """Whether the entry ``name`` of the schedule, which is due each ``every``, may run now; by the database's clock.

    Not within half of ``every`` after it was last begun: a scheduler sends punctually, a second one in between.
    """
    values: list[Any] = [name, every / 2]
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, values)
        begun = cursor.fetchone() is not None
    if not begun:
        PeriodicRun.objects.filter(pk=name).update(left_alone=F("left_alone") + 1)
    return begun
