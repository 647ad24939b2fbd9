"""``manage.py drill``: break a firm of its own on purpose and say what became of it. See docs/guides/drills.md."""

import secrets
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.foundation.clock import wall_now
from workers.drills import many_orders
from workers.drills.drill_firm import DrillFirm
from workers.drills.every_scenario import BOUNDED, SCENARIOS
from workers.drills.many_orders import SYMBOLS
from workers.drills.play import Result, play
from workers.drills.report import keep, report_text, store_report
from workers.drills.scenario import Stage

SOAK_ORDERS = 500  # of one round
UNITS = {"s": 1, "m": 60, "h": 3600}


def duration(text: str) -> timedelta:
    """``90s``, ``10m`` or ``2h``; nothing is no time. Raises ``CommandError`` for anything else."""
    if not text:
        return timedelta(0)
    if text[-1] not in UNITS or not text[:-1].isdigit():
        raise CommandError(f"soak was {text!r}; write 90s, 10m or 2h.")
    return timedelta(seconds=int(text[:-1]) * UNITS[text[-1]])


class Command(BaseCommand):
    help = "Start a practice firm in a folder of its own, break it, and report whether anything was lost."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scenarios", nargs="*", help=f"which; default all of {', '.join(SCENARIOS)}")
        parser.add_argument("--short", action="store_true", help=f"short durations, and only {', '.join(BOUNDED)}")
        parser.add_argument("--seed", type=int, default=None, help="of everything random; printed")
        parser.add_argument("--orders", type=int, default=0, help="instead: so many orders under random faults")
        parser.add_argument("--symbols", type=int, default=20, help=f"of these orders, at most {len(SYMBOLS)}")
        parser.add_argument("--accounts", type=int, default=4, help="of these orders")
        parser.add_argument("--soak", default="", help="instead: such orders again and again for 10m, 2h, ...")
        parser.add_argument("--list", action="store_true", help="say what there is")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["list"]:
            for scenario in SCENARIOS.values():
                self.stdout.write(f"{scenario.code}  {scenario.title}. {scenario.shows}")
            return
        if options["orders"] or options["soak"]:
            self._many(options)
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

    def _many(self, options: dict[str, Any]) -> None:
        seed = secrets.randbelow(2**31) if options["seed"] is None else options["seed"]
        symbols = [f"{name}/USDT" for name in SYMBOLS[: options["symbols"]]]
        self.stdout.write(f"Seed {seed}: {len(symbols)} instruments, {options['accounts']} accounts.")
        until = wall_now() + duration(options["soak"])
        failed = False
        with self._firm(INSTRUMENTS=",".join(symbols), HQ_WORKERS="2", before=(options["accounts"], seed)) as firm:
            while True:
                began = wall_now()
                outcome = many_orders.run(
                    firm,
                    orders=options["orders"] or SOAK_ORDERS,
                    accounts=options["accounts"],
                    seed=seed,
                    told=self._tell,
                )
                text = many_orders.text_of(outcome)
                self.stdout.write(f"\n{text}")
                keep(settings.HQ_HOME / "drills", text, asdict(outcome), began=began)
                failed |= not outcome.passed
                seed += 1
                if failed or wall_now() >= until:
                    break
        if failed:
            raise CommandError("The books differ.")

    def _play(self, chosen: tuple[str, ...], seed: int, *, full: bool) -> list[Result]:
        results: list[Result] = []
        with self._firm() as firm:
            for code in chosen:
                self.stdout.write(f"\n{code} {SCENARIOS[code].title}")
                results.append(play(SCENARIOS[code], firm, seed=seed, full=full, told=self._tell))
                self._say("passed" if results[-1].passed else f"FAILED: {results[-1].problems}")
        return results

    @contextmanager
    def _firm(self, before: tuple[int, int] | None = None, **environment: str) -> Iterator[DrillFirm]:
        home = Path(tempfile.mkdtemp(prefix="hq-drill-"))
        home.chmod(0o755)  # under root PostgreSQL is another user
        firm = DrillFirm(home, **environment)
        if before is not None:
            many_orders.prepare(firm, *before)
        try:
            yield firm.start()
        finally:
            firm.close()
            self.stdout.write(f"The firm's files, with its logs, are in {home}; delete them when you have read them.")

    def _tell(self, stage: Stage) -> None:
        self._say(stage.steps[-1][1])

    def _say(self, text: str) -> None:
        self.stdout.write(f"  {text}")
        self.stdout.flush()
