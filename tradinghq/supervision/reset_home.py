"""A paper firm that starts anew: its database is set aside as it is, since a ledger and an audit can't be emptied."""

import os
from pathlib import Path

from apps.foundation.clock import wall_now
from apps.management.adapters.supervised_programs import SupervisorFolder
from tradinghq import environment as env
from tradinghq.embedded.addresses import folder
from tradinghq.embedded.postgres_server import data_folder
from tradinghq.supervision.house_exchange import set_aside
from tradinghq.supervision.house_lock import take_lock
from tradinghq.supervision.leftovers import end_leftovers


def set_books_aside(home: Path) -> Path | None:
    """Move the embedded database away; where to, or None when there was none.

    Raises ``EnvironmentRefused`` while a house runs in ``home`` and for a database that is not the embedded one.
    """
    if env.text("DATABASE_URL"):
        raise env.EnvironmentRefused(
            "DATABASE_URL names a database of your own. Create an empty one and point DATABASE_URL at it."
        )
    lock = take_lock(home)
    try:
        end_leftovers(SupervisorFolder(home))
        kept = move_books_aside(home)
        if kept is not None:
            set_aside(home, kept.name.rpartition("-")[2])
        return kept
    finally:
        os.close(lock)


def move_books_aside(home: Path) -> Path | None:
    """Rename the embedded database's folder while nothing runs; its new name, or None when there was none."""
    data = data_folder(home)
    if not data.is_dir():
        return None
    kept = folder(home) / f"postgres-until-{wall_now():%Y%m%dT%H%M%SZ}"
    data.rename(kept)
    return kept
