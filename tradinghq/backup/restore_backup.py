"""From a backup to a firm that is halted, says what it may lack, and waits for the comparison with its venues."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from apps.foundation import audit
from apps.foundation.database_roles import grant_app_role
from apps.foundation.errors import HQError
from apps.foundation.firm_key import FirmKey
from apps.management.adapters.supervised_programs import SupervisorFolder
from apps.management.operations import BackupHead, declare_restore
from apps.market.queries import current_moment
from apps.trading.operations import verify_books
from tradinghq import environment as env
from tradinghq.backup.database_dump import is_empty, load_dump
from tradinghq.backup.make_backup import HEADS
from tradinghq.backup.sealed_file import Manifest, OpenedBackup, opened_backup
from tradinghq.backup.unfinished_restore import begin_restore, end_restore
from tradinghq.embedded import postgres_server
from tradinghq.embedded.addresses import EmbeddedServers
from tradinghq.supervision.first_steps import append_only_tables, leave_database, prepare_database
from tradinghq.supervision.house_lock import take_lock
from tradinghq.supervision.leftovers import end_leftovers
from tradinghq.supervision.reset_home import move_books_aside

READY_SECONDS = 60.0
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it. ``problems``: what is wrong with the record itself; ``aside``: where the books before lie."""

    manifest: Manifest
    epoch: int
    aside: Path | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """The home and its database: the embedded ``servers``, or None for the one whose owner ``owner_url`` is."""

    home: Path
    servers: EmbeddedServers | None
    owner_url: str


def restore_backup(file: Path, *, place: Place, key: FirmKey, replace: bool, say: Callable[[str], None]) -> Restored:
    """Fill the database from ``file`` and declare it. Nothing is touched unless the backup is whole.

    Raises ``EnvironmentRefused``: while a house runs here, for a file that can't be opened, and for a database that is
    not empty, unless ``replace`` lets an embedded one be set aside.
    """
    if not file.is_file():
        raise env.EnvironmentRefused(f"{file} is no file. Backups are kept in HQ_HOME/backups unless --to said else.")
    lock = take_lock(place.home)
    try:
        end_leftovers(SupervisorFolder(place.home))
        _refuse_full(place, replace=replace)
        say("Opening the backup ...")
        with _opened(file, key, place.home) as backup:
            begin_restore(place.home, file)
            aside = move_books_aside(place.home) if place.servers else None
            with _running(place):
                say(f"Restoring {backup.manifest.dump_bytes:,} bytes ...")
                restored = _fill(backup, file, place, aside)
            end_restore(place.home)
        return restored
    finally:
        os.close(lock)


def _refuse_full(place: Place, *, replace: bool) -> None:
    if place.servers is None:
        if not is_empty(place.owner_url):
            raise env.EnvironmentRefused(
                "DATABASE_URL names a database that holds tables. Create an empty one, point DATABASE_URL and"
                " DATABASE_OWNER_URL at it, and restore there."
            )
    elif postgres_server.data_folder(place.home).is_dir() and not replace:
        raise env.EnvironmentRefused(
            f"{place.home} holds books already. Restore into an empty HQ_HOME, or give --replace: the books that are"
            " there are then set aside, not deleted."
        )


@contextmanager
def _opened(file: Path, key: FirmKey, home: Path) -> Iterator[OpenedBackup]:
    try:
        with opened_backup(file, key=key, folder=home) as backup:
            yield backup
    except HQError as error:
        raise env.EnvironmentRefused(error.message) from error


def _fill(backup: OpenedBackup, file: Path, place: Place, aside: Path | None) -> Restored:
    load_dump(place.owner_url, backup.dump)
    grant_app_role(owner_url=place.owner_url, append_only=append_only_tables(place.owner_url))
    prepare_database(owner_url=place.owner_url)
    try:
        problems = _differences(backup.manifest, place.owner_url)
        epoch = declare_restore(
            made_at=backup.manifest.made_at,
            source=file.name,
            heads=backup.manifest.heads,
            moment=current_moment(),
        )
        record, books = audit.verify(), verify_books()
    finally:
        leave_database()
    if record.first_bad:
        problems.append(record.first_bad)
    return Restored(backup.manifest, epoch, aside, (*problems, *map(str, books.problems)))


def _differences(manifest: Manifest, url: str) -> list[str]:
    with psycopg.connect(url) as link:
        found = tuple(BackupHead(*row) for row in link.execute(HEADS))
    if found == manifest.heads:
        return []
    return ["The ends of the restored audit chains are not those that the manifest names."]


@contextmanager
def _running(place: Place) -> Iterator[None]:
    """The embedded server, for as long as it is filled; one of your own runs anyway."""
    if place.servers is None:
        yield
        return
    servers = place.servers
    postgres_server.create_cluster(place.home, servers)
    log = SupervisorFolder(place.home).root / "restore-postgres.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        server = subprocess.Popen(
            postgres_server.command(place.home, servers), stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not postgres_server.is_ready(servers):
            if server.poll() is not None or time.monotonic() > deadline:
                raise env.EnvironmentRefused(f"PostgreSQL did not start for the restore. Its log: {log}")
            time.sleep(POLL_SECONDS)
        yield
    finally:
        server.send_signal(signal.SIGINT)  # sessions are cut and it ends in order
        server.wait(READY_SECONDS)
