from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.foundation.clock import wall_now
from apps.foundation.firm_key import firm_key
from tradinghq.backup.make_backup import make_backup


class Command(BaseCommand):
    help = "Write a backup of the database, sealed to the firm's PGP key, and read it back. The firm may run meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--to", type=Path, default=settings.HQ_HOME / "backups", help="the folder; default %(default)s"
        )

    def handle(self, *_: Any, to: Path, **__: Any) -> None:
        embedded = settings.EMBEDDED if settings.DATABASE_EMBEDDED else None
        made = make_backup(
            url=embedded.database_url(owner=True) if embedded else settings.DATABASE_OWNER_URL,
            key=firm_key(),
            folder=to.resolve(),
            instance=settings.HQ_INSTANCE,
            made_at=wall_now(),
            say=self.stdout.write,
        )
        for head in made.manifest.heads:
            self.stdout.write(f"{head.chain}: {head.seq} entries, head {head.hash}")
        size = made.path.stat().st_size
        self.stdout.write(f"Kept in {made.path}: {size:,} bytes, {made.entries} entries of the database, read back.")
        self.stdout.write("Keep a copy elsewhere, apart from HQ_HOME/gnupg and its passphrase, which alone open it.")
