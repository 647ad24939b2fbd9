"""``python -m workers.drills`` (``manage.py drill``): break a firm of its own on purpose and say what became of it."""

import os
import secrets
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradinghq.settings")
django.setup()

from django.conf import settings  # noqa: E402

from apps.foundation.clock import wall_now  # noqa: E402
from workers.drills import many_orders  # noqa: E402
from workers.drills.drill_firm import DrillFirm  # noqa: E402
from workers.drills.every_scenario import BOUNDED, SCENARIOS  # noqa: E402
from workers.drills.many_orders import SYMBOLS  # noqa: E402
from workers.drills.play import Result, play  # noqa: E402
from workers.drills.report import keep, report_text, store_report  # noqa: E402
from workers.drills.scenario import Stage  # noqa: E402

SOAK_ORDERS = 500  # of one round
UNITS = {"s": 1, "m": 60, "h": 3600}


def duration(text: str) -> timedelta:
    """``90s``, ``10m`` or ``2h``; nothing is no time."""
    if not text:
        return timedelta(0)
    if text[-1] not in UNITS or not text[:-1].isdigit():
        sys.exit(f"soak was {text!r}; write 90s, 10m or 2h.")
    return timedelta(seconds=int(text[:-1]) * UNITS[text[-1]])


def options(words: Sequence[str]) -> Namespace:
    parser = ArgumentParser(
        prog="manage.py drill",
        description="Start a practice firm in a folder of its own, break it, and report whether anything was lost.",
    )
    add = parser.add_argument
    add("scenarios", nargs="*", help=f"which; default all of {', '.join(SCENARIOS)}")
    add("--short", action="store_true", help=f"short durations, and only {', '.join(BOUNDED)}")
    add("--seed", type=int, default=None, help="of everything random; printed")
    add("--orders", type=int, default=0, help="instead: so many orders under random faults")
    add("--symbols", type=int, default=20, help=f"of these orders, at most {len(SYMBOLS)}")
    add("--accounts", type=int, default=4, help="of these orders")
    add("--soak", default="", help="instead: such orders again and again for 10m, 2h, ...")
    add("--list", action="store_true", help="say what there is")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Play what was asked for; 0 when all passed."""
    given = options(words)
    if given.list:
        for scenario in SCENARIOS.values():
            say(f"{scenario.code}  {scenario.title}. {scenario.shows}")
        return 0
    if unknown := set(given.scenarios) - set(SCENARIOS):
        sys.exit(f"scenarios was {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}.")
    seed = secrets.randbelow(2**31) if given.seed is None else given.seed
    say(f"Seed {seed}.")
    if given.orders or given.soak:
        return many(given, seed)
    chosen = given.scenarios or (BOUNDED if given.short else tuple(SCENARIOS))
    began = wall_now()
    results = played(chosen, seed, full=not given.short)
    path = store_report(settings.HQ_HOME / "drills", results, seed=seed, began=began)
    say(f"\n{report_text(results, seed=seed, began=began)}\nKept in {path}")
    return 0 if all(result.passed for result in results) else 1


def many(given: Namespace, seed: int) -> int:
    """Rounds of many orders on one firm, until the time is over or the books differ."""
    symbols = [f"{name}/USDT" for name in SYMBOLS[: given.symbols]]
    until = wall_now() + duration(given.soak)
    with firm(before=(given.accounts, seed), INSTRUMENTS=",".join(symbols), HQ_WORKERS="2") as running:
        while True:
            began, orders = wall_now(), given.orders or SOAK_ORDERS
            outcome = many_orders.run(running, orders=orders, accounts=given.accounts, seed=seed, told=tell)
            text = many_orders.text_of(outcome)
            say(f"\n{text}")
            keep(settings.HQ_HOME / "drills", text, asdict(outcome), began=began)
            seed += 1
            if not outcome.passed or wall_now() >= until:
                return 0 if outcome.passed else 1


def played(chosen: Sequence[str], seed: int, *, full: bool) -> list[Result]:
    """Play them one after the other on one firm."""
    results: list[Result] = []
    with firm() as running:
        for code in chosen:
            say(f"\n{code} {SCENARIOS[code].title}")
            results.append(play(SCENARIOS[code], running, seed=seed, full=full, told=tell))
            say("  passed" if results[-1].passed else f"  FAILED: {results[-1].problems}")
    return results


@contextmanager
def firm(before: tuple[int, int] | None = None, **environment: str) -> Iterator[DrillFirm]:
    """A firm in a folder of its own under the temporary folder; stopped at the end, its files are left."""
    home = Path(tempfile.mkdtemp(prefix="hq-drill-"))
    home.chmod(0o755)  # under root PostgreSQL is another user
    running = DrillFirm(home, **environment)
    if before is not None:
        many_orders.prepare(running, *before)
    try:
        yield running.start()
    finally:
        running.close()
        say(f"The firm's files, with its logs, are in {home}; delete them when you have read them.")


def tell(stage: Stage) -> None:
    """The step that was just taken."""
    say(f"  {stage.steps[-1][1]}")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
