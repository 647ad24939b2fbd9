"""Write a backup of the running or resting firm's database, and read it back before it counts as one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from apps.foundation.errors import HQError
from apps.foundation.firm_key import FirmKey
from apps.management.operations import BackupHead
from tradinghq.backup.database_dump import check_dump, dump_database
from tradinghq.backup.sealed_file import DUMP, SUFFIX, Manifest, digest, opened_backup, seal_backup
from tradinghq.environment import EnvironmentRefused

HEADS = "SELECT chain, seq, encode(hash, 'hex') FROM foundation_audit_head ORDER BY chain"
EPOCH = "SELECT epoch FROM foundation_record_epoch"


@dataclass(frozen=True, slots=True)
class MadeBackup:
    """Where it lies, what it says of itself, and how many things of the database it holds."""

    path: Path
    manifest: Manifest
    entries: int


def make_backup(
    *, url: str, key: FirmKey, folder: Path, instance: str, made_at: datetime, say: Callable[[str], None]
) -> MadeBackup:
    """The sealed backup in ``folder``. ``url`` may read everything; the firm trades on meanwhile.

    Dump and audit heads come from one snapshot. Nothing but the sealed file stays, also after a failure. Raises
    ``EnvironmentRefused`` with a sentence.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{instance}-{made_at:%Y%m%dT%H%M%SZ}{SUFFIX}"
    if target.exists():
        raise EnvironmentRefused(f"{target} is there already; wait a second.")
    _refuse_without_passphrase(key)
    try:
        manifest, entries = _made(url, key, target, instance=instance, made_at=made_at, say=say)
    except OSError as error:
        raise EnvironmentRefused(
            f"The backup could not be written in {folder}: {error.strerror or error}. Nothing of it was kept. Make room"
            " for twice the size of the database, or name another folder by --to."
        ) from error
    except HQError as error:
        raise EnvironmentRefused(f"{error.message} No backup was kept.") from error
    return MadeBackup(target, manifest, entries)


def _made(
    url: str, key: FirmKey, target: Path, *, instance: str, made_at: datetime, say: Callable[[str], None]
) -> tuple[Manifest, int]:
    """Write ``target`` by way of a private folder beside it, which is gone afterwards; what it holds."""
    with TemporaryDirectory(prefix=".made-", dir=target.parent) as name:
        draft = Path(name) / f"sealed{SUFFIX}"
        say("Dumping the database ...")
        manifest = _dump(url, Path(name) / DUMP, instance=instance, made_at=made_at)
        say(f"Sealing {manifest.dump_bytes:,} bytes ...")
        seal_backup(manifest, Path(name) / DUMP, key=key, target=draft)
        say("Reading it back ...")
        with opened_backup(draft, key=key, folder=Path(name)) as opened:
            if opened.manifest != manifest:
                raise EnvironmentRefused("The backup was read back and says other things than were written.")
            entries = check_dump(url, opened.dump)
        draft.rename(target)
    return manifest, entries


def _refuse_without_passphrase(key: FirmKey) -> None:
    if not key.passphrase:
        raise EnvironmentRefused(
            "A backup is sealed to the firm's key and read back before it counts, which needs its passphrase. Set"
            " HQ_PGP_PASSPHRASE_FILE to the file that holds it."
        )
    try:
        key.public()
    except HQError as error:
        raise EnvironmentRefused(error.message) from error


def _dump(url: str, target: Path, *, instance: str, made_at: datetime) -> Manifest:
    with psycopg.connect(url) as link:
        link.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        snapshot = link.execute("SELECT pg_export_snapshot()").fetchone()
        heads = link.execute(HEADS).fetchall()
        epoch = link.execute(EPOCH).fetchone()
        assert snapshot is not None
        assert epoch is not None
        dump_database(url, snapshot=snapshot[0], target=target)
        version = str(link.info.parameter_status("server_version"))
    return Manifest(
        instance=instance,
        made_at=made_at,
        server_version=version,
        epoch=epoch[0],
        heads=tuple(BackupHead(*head) for head in heads),
        sha256=digest(target),
        dump_bytes=target.stat().st_size,
    )
