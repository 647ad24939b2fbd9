import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.foundation.firm_key import firm_key
from tradinghq.backup.restore_backup import Place, restore_backup
from tradinghq.embedded.addresses import ensure_servers


class Command(BaseCommand):
    help = "Fill an empty home or database from a backup. The house must be stopped; it starts halted afterwards."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a file that manage.py backup wrote")
        parser.add_argument("--replace", action="store_true", help="set the books that are in HQ_HOME aside")

    def handle(self, *_: Any, file: Path, replace: bool, **__: Any) -> None:
        restored = restore_backup(
            file.resolve(), place=_place(), key=firm_key(), replace=replace, say=self.stdout.write
        )
        made = f"{restored.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC"
        self.stdout.write(f"Restored from the backup of {made}. The record's epoch is {restored.epoch}.")
        if restored.aside:
            self.stdout.write(f"The books that were here lie in {restored.aside}.")
        self.stdout.write(
            "Trading is halted. Start the house: each account is compared with its venue, and what is missing is taken"
            " in. When every comparison has passed, resume trading with a reason."
        )
        if restored.problems:
            problems = "\n".join(f"  {problem}" for problem in restored.problems)
            raise CommandError(f"The record that was restored is not whole:\n{problems}", returncode=1)


def _place() -> Place:
    if not settings.DATABASE_EMBEDDED:
        return Place(settings.HQ_HOME, None, settings.DATABASE_OWNER_URL)
    servers, changed = ensure_servers(settings.HQ_HOME)
    if changed:  # the settings of this process were read before the addresses existed: read them again
        os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 - our own command, without a shell
    return Place(settings.HQ_HOME, servers, servers.database_url(owner=True))
