"""``manage.py sweep``: many pairs of windows of the crossing on one series, in compiled loops."""

import csv
import json
import time
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from apps.agents.domain.backtest.sweep_windows import SweptPair, sweep_windows
from apps.foundation.errors import HQError
from tradinghq import backtest_arguments as arguments
from tradinghq.output_files import refuse_unwritable
from tradinghq.sentence_command import SentenceCommand


class Command(SentenceCommand):
    help = "Try many pairs of fast and slow windows of sma_cross on one series of candles."

    def add_arguments(self, parser: ArgumentParser) -> None:
        arguments.add_candles(parser)
        parser.add_argument("--fast", type=windows, default=windows("5:50:5"), metavar="FIRST:LAST:STEP")
        parser.add_argument("--slow", type=windows, default=windows("60:250:10"), metavar="FIRST:LAST:STEP")
        parser.add_argument(
            "--fee", type=arguments.number, help="share of each side, 0.001 is 0.1 %%; else the venue's"
        )
        parser.add_argument("--slippage-bps", type=arguments.number, default=Decimal(0))
        parser.add_argument("--top", type=int, default=10, help="how many of the best are shown")
        parser.add_argument("--json", action="store_true", help="print every pair as JSON")
        parser.add_argument("--csv", type=Path, metavar="FILE.csv", help="write every pair")

    def handle(self, *_: Any, **options: Any) -> None:
        refuse_unwritable({"--csv": options["csv"]})
        arguments.keep_compiled_code()
        try:
            series = arguments.read_candles(options).series
            if len(series) != 1:
                raise CommandError(f"A sweep goes over one series, {len(series)} were named.")
            columns = series[0].between(arguments.first_ms(options), int(series[0].times[-1]) + 1)
            started = time.perf_counter()
            swept = sweep_windows(
                columns=columns,
                fast=options["fast"],
                slow=options["slow"],
                fee=options["fee"],
                slippage_bps=options["slippage_bps"],
            )
            seconds = time.perf_counter() - started
        except HQError as error:
            raise CommandError(error.message) from error
        self._write(options["csv"], swept)
        if options["json"]:
            self.stdout.write(json.dumps({"pairs": [asdict(pair) for pair in swept], "run_seconds": seconds}))
            return
        self._show(swept[: options["top"]], len(swept), f"{columns.symbol} {columns.timeframe}", seconds)

    def _show(self, best: list[SweptPair], tried: int, where: str, seconds: float) -> None:
        self.stdout.write(f"{tried} pairs on {where} in {seconds:.2f} s; the best {len(best)}:")
        self.stdout.write(f"{'fast':>6}{'slow':>6}{'return':>12}{'drawdown':>12}{'trades':>8}")
        for pair in best:
            figures = f"{pair.total_return * 100:>10.2f} %{pair.max_drawdown * 100:>10.2f} %{pair.trades:>8}"
            self.stdout.write(f"{pair.fast:>6}{pair.slow:>6}{figures}")
        self.stdout.write(f"The best of {tried} is partly luck: try it on candles that were not swept.")

    def _write(self, path: Path | None, swept: list[SweptPair]) -> None:
        if path is None:
            return
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(asdict(swept[0])))
            writer.writeheader()
            writer.writerows(asdict(pair) for pair in swept)


def windows(text: str) -> list[int]:
    """``FIRST:LAST:STEP``, the last one included, or one number. Raises ``ArgumentTypeError``."""
    try:
        parts = [int(part) for part in text.split(":")]
        first, last, step = parts if len(parts) > 1 else (parts[0], parts[0], 1)
        found = list(range(first, last + 1, step))
    except ValueError:
        found = []
    if not found or found[0] < 1:
        raise ArgumentTypeError(f"windows are written FIRST:LAST:STEP, such as 5:50:5, or as one number; was {text!r}")
    return found
