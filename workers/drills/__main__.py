"""``python -m workers.drills`` (``manage.py drill``): break a firm of its own on purpose and say what became of it."""

import logging
import os
import secrets
import signal
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import django
import structlog

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradinghq.settings")
django.setup()

from django.conf import settings  # noqa: E402

from apps.foundation.clock import wall_now  # noqa: E402
from workers.drills import many_orders, soak  # noqa: E402
from workers.drills.desk_accounts import SYMBOLS, prepare_desks  # noqa: E402
from workers.drills.drill_firm import DrillFirm  # noqa: E402
from workers.drills.every_scenario import BOUNDED, SCENARIOS  # noqa: E402
from workers.drills.play import Result, play  # noqa: E402
from workers.drills.report import keep, report_text, store_report  # noqa: E402
from workers.drills.scenario import Stage  # noqa: E402

SOAK_SYMBOLS, SOAK_ACCOUNTS = 3, 2  # a soak is about blows, not about numbers
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
    add("--rounds", type=int, default=1, help="so many times in a row on one firm, each round with the next seed")
    add("--orders", type=int, default=0, help="instead: so many orders under random faults")
    add("--symbols", type=int, default=20, help=f"of these orders, at most {len(SYMBOLS)}")
    add("--accounts", type=int, default=4, help="of these orders")
    add("--executors", type=int, default=2, help="processes that send these orders; two also race each other")
    add("--soak", default="", help="instead: trade for 10m, 2h, ... while everything is killed, frozen and cut off")
    add("--list", action="store_true", help="say what there is")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Play what was asked for; 0 when all passed."""
    given = options(words)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # steps are told below
    if given.list:
        for scenario in SCENARIOS.values():
            say(f"{scenario.code}  {scenario.title}. {scenario.shows}")
        return 0
    if unknown := set(given.scenarios) - set(SCENARIOS):
        sys.exit(f"scenarios was {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}.")
    if given.rounds < 1:
        sys.exit(f"rounds was {given.rounds}; it must be 1 or more.")
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # the firm of the drills ends with them
    seed = secrets.randbelow(2**31) if given.seed is None else given.seed
    say(f"Seed {seed}.")
    if given.soak:
        return soaked(given, seed)
    if given.orders:
        return many(given, seed)
    chosen = given.scenarios or (BOUNDED if given.short else tuple(SCENARIOS))
    began = wall_now()
    results = played(chosen, range(seed, seed + given.rounds), full=not given.short)
    path = store_report(settings.HQ_HOME / "drills", results, seed=seed, began=began)
    say(f"\n{report_text(results, seed=seed, began=began)}\nKept in {path}")
    return 0 if all(result.passed for result in results) else 1


def many(given: Namespace, seed: int) -> int:
    """Many orders at an exchange that fails at random; the servers are reached directly, since speed is measured."""
    with desks(given.accounts, given.symbols, seed, direct=True, executors=given.executors) as running:
        running.start()
        began = wall_now()
        outcome = many_orders.run(running, orders=given.orders, accounts=given.accounts, seed=seed, told=tell)
        return ended(many_orders.text_of(outcome), asdict(outcome), began, passed=outcome.passed)


def soaked(given: Namespace, seed: int) -> int:
    """A soak on a firm whose agents trade too."""
    with desks(SOAK_ACCOUNTS, SOAK_SYMBOLS, seed) as running:
        running.start(agents=True)
        began, seconds = wall_now(), duration(given.soak).total_seconds()
        outcome = soak.run(running, seconds=seconds, accounts=SOAK_ACCOUNTS, seed=seed, told=tell)
        return ended(soak.text_of(outcome), asdict(outcome), began, passed=outcome.passed)


def ended(text: str, facts: dict[str, Any], began: datetime, *, passed: bool) -> int:
    """Print and keep a report; the exit status."""
    path = keep(settings.HQ_HOME / "drills", text, facts, began=began)
    say(f"\n{text}\nKept in {path}")
    return 0 if passed else 1


@contextmanager
def desks(accounts: int, symbols: int, seed: int, *, direct: bool = False, executors: int = 2) -> Iterator[DrillFirm]:
    """A firm, not started yet, whose exchange will know several accounts and instruments."""
    names = ",".join(f"{name}/USDT" for name in SYMBOLS[:symbols])
    with firm(direct=direct, INSTRUMENTS=names, HQ_WORKERS=str(executors)) as running:
        prepare_desks(running, accounts, seed)
        yield running


def played(chosen: Sequence[str], seeds: Sequence[int], *, full: bool) -> list[Result]:
    """Play them one after the other on one firm, once with each seed."""
    results: list[Result] = []
    with firm() as running:
        running.start()
        for seed, code in product(seeds, chosen):
            say(f"\n{code} {SCENARIOS[code].title} (seed {seed})")
            results.append(play(SCENARIOS[code], running, seed=seed, full=full, told=tell))
            say("  passed" if results[-1].passed else f"  FAILED: {results[-1].problems}")
    return results


@contextmanager
def firm(*, direct: bool = False, **environment: str) -> Iterator[DrillFirm]:
    """A firm in a folder of its own under the temporary folder; stopped at the end, its files are left."""
    home = Path(tempfile.mkdtemp(prefix="hq-drill-"))
    home.chmod(0o755)  # under root PostgreSQL is another user
    running = DrillFirm(home, direct=direct, **environment)
    try:
        yield running
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
