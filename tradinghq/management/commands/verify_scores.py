"""Recompute the scoreboard and name everything that differs."""

from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.agents.operations import verify_scores


class Command(BaseCommand):
    help = "Recomputes the agents' returns, scores and weights from votes and candles; exit code 1 names what differs."

    def handle(self, *args: Any, **options: Any) -> None:
        started = perf_counter()
        report = verify_scores()
        for name, count in report.checked.items():
            self.stdout.write(f"{count:>10,}  {name}")
        for reason, count in report.unproven.items():
            self.stdout.write(f"{count:>10,}  not recomputed: {reason}")
        if not report.ok:
            problems = "\n".join(f"  {problem}" for problem in report.problems)
            raise CommandError(f"The scoreboard does not follow from votes and candles:\n{problems}", returncode=1)
        self.stdout.write(f"The scoreboard agrees. Checked in {perf_counter() - started:.1f} s.")
