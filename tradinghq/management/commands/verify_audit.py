from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.foundation import audit


class Command(BaseCommand):
    """Recompute the audit chains."""

    help = "Recomputes every hash of the audit record and names the first bad row. Exit code 1 when there is one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--chain", help="Only this chain (operations, account:<id>).")

    def handle(self, *_: Any, chain: str | None = None, **__: Any) -> None:
        report = audit.verify(chain)
        for part in report.chains:
            self.stdout.write(
                f"{part.chain}: {part.rows} entries, head {part.head}{'' if part.first_bad is None else ', BAD'}"
            )
            for seq in part.gaps_before:
                self.stdout.write(
                    f"{part.chain}: a gap before entry {seq}: restored from a backup there, so entries may be missing"
                )
        if report.first_bad:
            raise CommandError(f"The audit record is broken: {report.first_bad}.", returncode=1)
        self.stdout.write(f"The audit record is sound: {len(report.chains)} chains, {report.rows} entries.")
