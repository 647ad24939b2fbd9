"""The form of a backup: a tar of manifest and dump, sealed to the firm's key as one file."""

import hashlib
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from apps.foundation.firm_key import FirmKey
from apps.management.operations import BackupHead
from tradinghq.environment import EnvironmentRefused

FORM = 1
SUFFIX = ".backup.gpg"
MANIFEST, DUMP, BUNDLE = "manifest.json", "database.dump", "bundle.tar"
CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. ``heads``: the ends of the audit chains; ``sha256``: of the dump."""

    instance: str
    made_at: datetime
    server_version: str
    epoch: int
    heads: tuple[BackupHead, ...]
    sha256: str
    dump_bytes: int

    def as_text(self) -> str:
        facts = {**asdict(self), "form": FORM, "made_at": self.made_at.isoformat()}
        return json.dumps(facts, indent=1)


@dataclass(frozen=True, slots=True)
class OpenedBackup:
    """A backup that was opened and found whole; ``dump`` lives as long as the block that opened it."""

    manifest: Manifest
    dump: Path


def seal_backup(manifest: Manifest, dump: Path, *, key: FirmKey, target: Path) -> None:
    """Write the sealed file; ``dump`` is used up."""
    work = dump.parent
    (work / MANIFEST).write_text(manifest.as_text())
    bundle = work / BUNDLE
    with tarfile.open(bundle, "w") as tar:
        tar.add(work / MANIFEST, MANIFEST)
        tar.add(dump, DUMP)
    dump.unlink()
    key.seal_file(bundle, target)
    target.chmod(0o600)
    bundle.unlink()


@contextmanager
def opened_backup(file: Path, *, key: FirmKey, folder: Path) -> Iterator[OpenedBackup]:
    """Open a sealed file in a private folder inside ``folder``, check its digest, and forget what was opened.

    Raises ``KeyRefused`` and ``SealingAway`` of the key, and ``EnvironmentRefused`` for a file that is no backup.
    """
    with TemporaryDirectory(prefix=".opened-", dir=folder) as name:
        work = Path(name)
        key.open_file(file, work / BUNDLE)
        try:
            with tarfile.open(work / BUNDLE) as tar:
                tar.extractall(work, members=[tar.getmember(MANIFEST), tar.getmember(DUMP)], filter="data")
            manifest = _read(json.loads((work / MANIFEST).read_text()))
        except (tarfile.TarError, KeyError, ValueError, TypeError) as error:
            raise EnvironmentRefused(f"{file} was opened and is no backup of this version: {error}.") from error
        (work / BUNDLE).unlink()
        if digest(work / DUMP) != manifest.sha256:
            raise EnvironmentRefused(f"{file} is damaged: its dump is not the one that its manifest names.")
        yield OpenedBackup(manifest, work / DUMP)


def digest(path: Path) -> str:
    """SHA-256 of a file, read piece by piece."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(CHUNK):
            found.update(piece)
    return found.hexdigest()


def _read(facts: dict[str, Any]) -> Manifest:
    if facts.pop("form") != FORM:
        raise ValueError("its form is another")
    heads = tuple(BackupHead(**head) for head in facts.pop("heads"))
    return Manifest(**{**facts, "made_at": datetime.fromisoformat(facts["made_at"]), "heads": heads})
