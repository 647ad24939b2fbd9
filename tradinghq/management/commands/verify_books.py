"""Recompute the books and name everything that differs."""

from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.trading.operations import verify_books


class Command(BaseCommand):
    help = "Recomputes the books from postings, fills and histories; exit code 1 names what differs."

    def handle(self, *args: Any, **options: Any) -> None:
        started = perf_counter()
        report = verify_books(progress=self._progress)
        if self.stdout.isatty():
            self.stdout.write("\r\033[K", ending="")
        for name, count in report.checked.items():
            self.stdout.write(f"{count:>10,}  {name}")
        if not report.ok:
            problems = "\n".join(f"  {problem}" for problem in report.problems)
            raise CommandError(f"The books don't balance:\n{problems}", returncode=1)
        self.stdout.write(f"The books balance. Checked in {perf_counter() - started:.1f} s.")

    def _progress(self, name: str, number: int, of: int) -> None:
        if self.stdout.isatty():
            self.stdout.write(f"\r\033[K[{'#' * number}{'.' * (of - number)}] {name}", ending="")
            self.stdout.flush()
