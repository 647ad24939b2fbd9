"""``manage.py backtest``: one signal, or the whole firm, over candle files or the candles of this home."""

import json
import time
from argparse import ArgumentParser
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from apps.agents.domain.backtest.run_backtest import (
    BACKTEST_MODES,
    BacktestResult,
    BacktestWish,
    backtest_mode,
    run_backtest,
)
from apps.agents.domain.backtest.strategy_views import Progress
from apps.agents.domain.performance.luck_report import luck_report
from apps.agents.domain.strategies.contract import ForwardPass
from apps.foundation.errors import HQError
from apps.trading.domain.risk.risk_limits import DEFAULT_LIMITS, LimitValues, changed
from tradinghq import backtest_arguments as arguments
from tradinghq import backtest_output as output
from tradinghq.output_files import refuse_unwritable
from tradinghq.progress_line import ProgressLine
from tradinghq.sentence_command import SentenceCommand

FILES = {"trades": output.write_trades, "equity": output.write_equity, "orders": output.write_orders}  # by option


class Command(SentenceCommand):
    help = "Test strategies on recorded candles: one signal alone, or the whole firm with its gate, fills and stops."

    def add_arguments(self, parser: ArgumentParser) -> None:
        arguments.add_strategies(parser)
        arguments.add_candles(parser)
        parser.add_argument("--mode", choices=BACKTEST_MODES, default="auto", help="see docs/guides/backtest.md")
        parser.add_argument("--capital", type=arguments.number, default=Decimal(1000))
        parser.add_argument(
            "--fee", type=arguments.number, help="share of each side, 0.001 is 0.1 %%; default: the venue's"
        )
        parser.add_argument("--slippage-bps", type=arguments.number, help="basis points of each price")
        parser.add_argument("--seed", type=int, default=0, help="names the run's portfolio and its orders' identifiers")
        parser.add_argument(
            "--limit", action="append", default=[], metavar="NAME=VALUE", help="a risk limit of this run"
        )
        parser.add_argument("--resume-daily", action="store_true", help="resume trading each day after a loss limit")
        parser.add_argument("--model", type=Path, metavar="FILE", help="weights that judge; default: the package's")
        parser.add_argument("--luck", action="store_true", help="draw its days and trades again: how much is chance?")
        parser.add_argument("--json", action="store_true", help="print the whole result as JSON")
        parser.add_argument("--trades", type=Path, metavar="FILE.csv")
        parser.add_argument("--equity", type=Path, metavar="FILE.csv")
        parser.add_argument("--orders", type=Path, metavar="FILE.csv", help="of a firm's run")

    def handle(self, *_: Any, **options: Any) -> None:
        refuse_unwritable({f"--{name}": options[name] for name in FILES})
        arguments.keep_compiled_code()
        try:
            started = time.perf_counter()
            given = arguments.read_candles(options)
            read = time.perf_counter()
            wish = _wish(options)
            mode = backtest_mode(wish, [columns.timeframe for columns in given.series])
            if options["orders"] and mode != "firm":
                raise CommandError("--orders goes with a firm's run; take --mode firm, or --trades.")
            result = run_backtest(
                wish=wish,
                series=given.series,
                rules=given.rules,
                model=lambda: _model(options["model"]),
                progress=_progress(ProgressLine(self.stderr)),
            )
            done = time.perf_counter()
            if options["luck"]:
                result.report["luck"] = luck_report(result.performance, seed=options["seed"])
        except HQError as error:
            raise CommandError(error.message) from error
        for name, write in FILES.items():
            if options[name]:
                write(options[name], result)
        timings = {"read_seconds": read - started, "run_seconds": done - read}
        if options["json"]:
            self.stdout.write(json.dumps(output.as_json(result, timings)))
            return
        candles = sum(len(columns) for columns in given.series)
        self.stdout.write(f"{_told(result)} {candles:,} candles in {done - read:.2f} s.\n")
        self.stdout.write("\n".join(output.table(result)))
        self.stdout.write(f"\nDigest {result.digest}")


def _progress(line: ProgressLine) -> Progress:
    def seen(done: int, whole: int) -> None:
        if done % max(1, whole // 1_000) == 0 or done == whole:
            line.show(done / whole)

    return seen


def _model(path: Path | None) -> ForwardPass:
    if path is not None and not path.is_file():
        raise CommandError(f"--model was {path}, which is no file.")
    arguments.house()
    from apps.agents import operations as agents

    return agents.model_of_file(path.read_bytes()) if path else agents.shipped_model()


def _wish(options: dict[str, Any]) -> BacktestWish:
    return BacktestWish(
        strategies=options["strategy"],
        mode=options["mode"],
        capital=options["capital"],
        fee=options["fee"],
        slippage_bps=options["slippage_bps"],
        seed=options["seed"],
        limits=_limits(options["limit"]),
        resumes_daily=options["resume_daily"],
        first_ms=arguments.first_ms(options),
    )


def _limits(words: list[str]) -> LimitValues:
    pairs = [word.partition("=") for word in words]
    for name, sign, value in pairs:
        if not (name and sign and value):
            raise CommandError(f"--limit is written NAME=VALUE, such as max_drawdown=0.3; was {name + sign + value!r}.")
    return changed(DEFAULT_LIMITS, {name: value for name, _, value in pairs}) if pairs else DEFAULT_LIMITS


def _told(result: BacktestResult) -> str:
    names = ", ".join(wanted["name"] for wanted in result.stated["strategies"])
    series = ", ".join(f"{s['instrument']} {s['timeframe']} ({s['source']})" for s in result.stated["series"])
    how = "The whole firm" if result.mode == "firm" else "The signal alone, all in or out at the next opening"
    return f"{how}: {names} on {series}."
