"""``manage.py search``: better parameters by walk-forward, over candle files or the candles of this home."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.core.management.base import CommandError

from apps.agents import operations as agents
from apps.agents.domain.search.trials import OBJECTIVES
from apps.agents.domain.search.walk_forward import Fold
from apps.agents.wiring import parameter_sampler
from apps.foundation.errors import HQError
from tradinghq import backtest_arguments as arguments
from tradinghq.progress_line import PLAIN, ProgressLine, duration
from tradinghq.search_output import plan_told, table
from tradinghq.search_processes import FoldFailed, folds_side_by_side, processors
from tradinghq.sentence_command import SentenceCommand


class Command(SentenceCommand):
    help = "Search a strategy's parameters by walk-forward: chosen on one stretch, tested on the next."

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
        parser.add_argument(
            "--processes", type=int, help="folds at once; default: as many as processors, one where a run is quick"
        )
        parser.add_argument("--json", action="store_true", help="print the whole report as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        arguments.keep_compiled_code()
        try:
            given = arguments.read_candles(options)
            started = time.perf_counter()
            report = self._searched(_wish(options), agents.SearchedCandles(given.series, given.rules), options)
            seconds = time.perf_counter() - started
        except HQError as error:
            raise arguments.refusal(error, options) from error
        except FoldFailed as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report | {"run_seconds": seconds}))
            return
        self.stdout.write("\n".join(table(report)))
        self.stdout.write(f"\nTook {duration(seconds)}.")

    def _searched(
        self, wish: agents.SearchWish, candles: agents.SearchedCandles, options: dict[str, Any]
    ) -> dict[str, Any]:
        folds = agents.plan_of(wish, candles)
        quick = agents.search_mode(wish, candles) == "signal"
        processes = min(options["processes"] or (1 if quick else processors()), len(folds))
        if processes < 1:
            raise CommandError(f"--processes was {options['processes']}; it must be 1 or more.")
        self.stderr.write(plan_told(wish, folds, candles, processes), PLAIN)
        told = _Watch(folds, wish.trials, ProgressLine(self.stderr)).told
        if processes == 1:
            return agents.run_search(wish=wish, candles=candles, sampler=parameter_sampler(), told=told)
        tested = folds_side_by_side(wish, folds, candles, processes=processes, told=told)
        return agents.report_of(wish, candles.series[0].symbol, tested)


class _Watch:
    """How far all folds are together; one on a longer stretch takes longer."""

    def __init__(self, folds: Sequence[Fold], trials: int, line: ProgressLine) -> None:
        self._lengths = {fold.number: fold.train_until - fold.train_from for fold in folds}
        self._shares = dict.fromkeys(self._lengths, 0.0)
        self._trials, self._line = trials, line

    def told(self, number: int, share: float) -> None:
        self._shares[number] = share
        done = sum(length * self._shares[each] for each, length in self._lengths.items())
        tried = sum(int(each * self._trials) for each in self._shares.values())
        what = f"trial {tried} of {self._trials * len(self._lengths)}"
        self._line.show(done / sum(self._lengths.values()), what)


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
