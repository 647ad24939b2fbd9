"""``manage.py drill``: break a firm of its own on purpose and say what became of it. See docs/guides/drills.md."""

import secrets
import shutil
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.foundation.clock import wall_now
from workers.drills.drill_firm import DrillFirm
from workers.drills.every_scenario import BOUNDED, SCENARIOS
from workers.drills.play import Result, play
from workers.drills.report import report_text, store_report


class Command(BaseCommand):
    help = "Start a practice firm in a folder of its own, break it, and report whether anything was lost."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scenarios", nargs="*", help=f"which; default all of {', '.join(SCENARIOS)}")
        parser.add_argument("--short", action="store_true", help=f"short durations, and only {', '.join(BOUNDED)}")
        parser.add_argument("--seed", type=int, default=None, help="of everything random; printed")
        parser.add_argument("--list", action="store_true", help="say what there is")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["list"]:
            for scenario in SCENARIOS.values():
                self.stdout.write(f"{scenario.code}  {scenario.title}. {scenario.shows}")
            return
        chosen = options["scenarios"] or (BOUNDED if options["short"] else tuple(SCENARIOS))
        if unknown := set(chosen) - set(SCENARIOS):
            raise CommandError(f"scenarios was {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}.")
        seed = secrets.randbelow(2**31) if options["seed"] is None else options["seed"]
        self.stdout.write(f"Seed {seed}. A firm is started for {len(chosen)} drills.")
        began = wall_now()
        results = self._play(chosen, seed, full=not options["short"])
        path = store_report(settings.HQ_HOME / "drills", results, seed=seed, began=began)
        self.stdout.write("\n" + report_text(results, seed=seed, began=began) + f"\nKept in {path}")
        if not all(result.passed for result in results):
            raise CommandError("Not all drills passed.")

    def _play(self, chosen: tuple[str, ...], seed: int, *, full: bool) -> list[Result]:
        home = Path(tempfile.mkdtemp(prefix="hq-drill-"))
        home.chmod(0o755)  # under root PostgreSQL is another user
        firm = DrillFirm(home)
        results: list[Result] = []
        try:
            firm.start()
            for code in chosen:
                self.stdout.write(f"\n{code} {SCENARIOS[code].title}")
                results.append(play(SCENARIOS[code], firm, seed=seed, full=full, told=self._say))
                self._say("passed" if results[-1].passed else f"FAILED: {results[-1].problems}")
        finally:
            firm.close()
            if results and all(result.passed for result in results):
                shutil.rmtree(home, ignore_errors=True)
            else:
                self.stdout.write(f"The firm's files, with its logs, are left in {home}.")
        return results

    def _say(self, text: str) -> None:
        self.stdout.write(f"  {text}")
        self.stdout.flush()
