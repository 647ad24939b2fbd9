"""``manage.py search``: better parameters by walk-forward, over candle files or the candles of this home."""

import json
import sys
import time
from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.agents import operations as agents
from apps.agents.domain.search.trials import OBJECTIVES
from apps.agents.wiring import parameter_sampler
from apps.foundation.errors import HQError
from tradinghq import backtest_arguments as arguments
from tradinghq.search_output import table

BAR = 30  # characters of the progress bar


class Command(BaseCommand):
    help = "Search a strategy's parameters by walk-forward: chosen on one stretch, tested on the next."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        arguments.add_strategies(parser)
        arguments.add_candles(parser)
        parser.add_argument(
            "--span", action="append", default=[], metavar="NAME=FROM:TO", help="where to look; else as declared"
        )
        parser.add_argument("--folds", type=int, default=4, help="tests that follow each other")
        parser.add_argument("--trials", type=int, default=40, help="settings tried in each fold")
        parser.add_argument("--objective", choices=OBJECTIVES, default="sharpe")
        parser.add_argument("--train-tests", type=float, default=3.0, help="training, in lengths of a test")
        parser.add_argument("--gap-bars", type=int, default=50, help="left out before each test: purge and embargo")
        parser.add_argument("--anchored", action="store_true", help="training always reaches back to the beginning")
        parser.add_argument("--mode", choices=agents.BACKTEST_MODES, default="auto")
        parser.add_argument("--capital", type=arguments.number, default=Decimal(1000))
        parser.add_argument("--fee", type=arguments.number, help="share of each side; default: the venue's")
        parser.add_argument("--slippage-bps", type=arguments.number)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--json", action="store_true", help="print the whole report as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        arguments.keep_compiled_code()
        try:
            given = arguments.read_candles(options)
            started = time.perf_counter()
            report = agents.run_search(
                wish=_wish(options),
                candles=agents.SearchedCandles(given.series, given.rules),
                sampler=parameter_sampler(),
                progress=self._progress(options),
            )
            seconds = time.perf_counter() - started
        except HQError as error:
            raise CommandError(error.message) from error
        if options["json"]:
            self.stdout.write(json.dumps(report | {"run_seconds": seconds}))
            return
        self.stdout.write("\n".join(table(report)))
        self.stdout.write(f"\nTook {seconds:.1f} s.")

    def _progress(self, options: dict[str, Any]) -> Any:
        if options["json"] or not sys.stderr.isatty():
            return lambda _done, _all: None
        return self._show

    def _show(self, done: int, whole: int) -> None:
        filled = int(done / whole * BAR)
        self.stderr.write(f"\r[{'#' * filled}{'.' * (BAR - filled)}] trial {done} of {whole}", ending="")
        if done == whole:
            self.stderr.write("")


def _wish(options: dict[str, Any]) -> agents.SearchWish:
    if len(options["strategy"]) != 1:
        raise CommandError(f"A search looks for the parameters of one strategy, {len(options['strategy'])} were named.")
    (wanted,) = options["strategy"]
    return agents.SearchWish(
        strategy=wanted.name,
        timeframe=wanted.timeframe,
        fixed=wanted.parameters,
        space=dict(_span(word) for word in options["span"]),
        folds=options["folds"],
        trials=options["trials"],
        objective=options["objective"],
        train_tests=options["train_tests"],
        gap_bars=options["gap_bars"],
        anchored=options["anchored"],
        backtest=agents.BacktestWish(
            strategies=[],
            mode=options["mode"],
            capital=options["capital"],
            fee=options["fee"],
            slippage_bps=options["slippage_bps"],
            seed=options["seed"],
            first_ms=arguments.first_ms(options),
        ),
    )


def _span(word: str) -> tuple[str, list[float]]:
    name, _, ends = word.partition("=")
    try:
        lowest, highest = (float(end) for end in ends.split(":"))
    except ValueError:
        raise CommandError(f"--span is written NAME=FROM:TO, such as fast=5:50; was {word!r}.") from None
    return name, [lowest, highest]
