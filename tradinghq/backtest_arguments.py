"""What the research commands are given on the command line: strategies with their parameters, and candles."""

import os
from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import zip_longest
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.agents.domain import backtest
from apps.agents.domain.backtest.check_strategy import StrategyCheck
from apps.agents.domain.backtest.run_backtest import WantedStrategy
from apps.foundation.errors import HQError
from apps.market import wiring
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import CandleColumns
from apps.market.domain.instruments import InstrumentRules
from apps.market.domain.recorded_set import NoRecordedRun

TOO_FEW = "too_few_candles"  # the code of a refusal that more candles would mend


@dataclass(frozen=True, slots=True)
class GivenCandles:
    """``series`` in the order they were named; ``rules`` of each instrument."""

    series: Sequence[CandleColumns]
    rules: Mapping[str, InstrumentRules]


class StrategyAction(Action):
    """``--strategy NAME`` or ``NAME@TIMEFRAME``; a ``--param`` that follows belongs to it."""

    def __call__(self, parser: ArgumentParser, chosen: Namespace, value: Any, _option: str | None = None) -> None:
        name, _, timeframe = str(value).partition("@")
        if timeframe and timeframe not in timeframes.SECONDS:
            parser.error(f"--strategy: {timeframe!r} is no timeframe; known are {', '.join(timeframes.SECONDS)}.")
        found = [*(getattr(chosen, self.dest) or []), WantedStrategy(name, {}, timeframe or None)]
        setattr(chosen, self.dest, found)


class ParamAction(Action):
    """``--param NAME=NUMBER`` of the strategy named before it."""

    def __call__(self, parser: ArgumentParser, chosen: Namespace, value: Any, _option: str | None = None) -> None:
        strategies = list(chosen.strategy or [])
        name, sign, number = str(value).partition("=")
        if not strategies:
            parser.error("--param belongs to the --strategy before it; name the strategy first.")
        try:
            given = float(number)
        except ValueError:
            sign, given = "", 0.0
        if not sign:
            parser.error(f"--param is written NAME=NUMBER, such as fast=20; was {value!r}.")
        last = strategies[-1]
        parameters = {**last.parameters, name: given}
        chosen.strategy = [*strategies[:-1], WantedStrategy(last.name, parameters, last.timeframe)]


def add_strategies(parser: ArgumentParser) -> None:
    """``--strategy`` and ``--param``, both as often as wished."""
    parser.add_argument("--strategy", action=StrategyAction, required=True, metavar="NAME[@TIMEFRAME]")
    parser.add_argument("--param", action=ParamAction, metavar="NAME=NUMBER", help="of the strategy before it")


def add_candles(parser: ArgumentParser) -> None:
    """``--data`` for files, or ``--instruments`` for what this home has stored, and a span of days."""
    parser.add_argument("--data", nargs="+", type=Path, default=[], metavar="FILE", help="candle files, *.csv.gz")
    parser.add_argument("--instruments", default="", help="BTC/USDT,ETH/USDT: stored candles, or what the files hold")
    parser.add_argument("--timeframe", choices=list(timeframes.SECONDS), help="of stored candles; default: the base")
    parser.add_argument("--start", type=day, help="first day traded, YYYY-MM-DD (UTC); earlier candles are history")
    parser.add_argument("--end", type=day, help="first day left out, YYYY-MM-DD (UTC)")


def read_candles(options: Mapping[str, Any]) -> GivenCandles:
    """The candles that the options name. Raises ``CommandError``."""
    symbols = [word.strip() for word in options["instruments"].split(",") if word.strip()]
    if options["data"] and options["timeframe"]:
        raise CommandError("--timeframe chooses among stored candles; a file has its own. Leave it out with --data.")
    given = _from_files(options["data"], symbols) if options["data"] else _stored(symbols, options["timeframe"])
    end = options["end"]
    if end is None:
        return given
    cut = [columns.between(0, timeframes.to_milliseconds(end)) for columns in given.series]
    if not all(len(columns) for columns in cut):
        raise CommandError(f"--end was {end:%Y-%m-%d}: no candle opens before it.")
    return GivenCandles(cut, given.rules)


def first_ms(options: Mapping[str, Any]) -> int:
    """The start of trading in milliseconds; 0: from the first candle on."""
    return 0 if options["start"] is None else timeframes.to_milliseconds(options["start"])


def house() -> None:
    """Have the rooms around, with the tables, for what candle files alone don't hold. See ``file_commands``."""
    django.setup()


def ask_database(wanted: str) -> None:
    """Before long work begins. Raises ``CommandError`` with ``wanted``, which says what needs it and what does not,
    where this home's database does not answer.
    """
    from apps.foundation.health import check_postgres
    from tradinghq.command_line import database_is_silent

    if not check_postgres().ok:
        raise CommandError(f"{wanted} {database_is_silent()}")


def refusal(error: HQError, options: Mapping[str, Any]) -> CommandError:
    """What a command ends with; where candles are too few, with how to come by more of those that it was given."""
    if error.code != TOO_FEW:
        return CommandError(error.message)
    cut = "leave out --start or --end" if options["start"] or options["end"] else "choose a longer period"
    if options["data"]:
        fetch = "Fetch more: manage.py download_candles --start YYYY-MM-DD writes longer files"
        return CommandError(f"{error.message} {fetch}; or {cut}, where the files hold more.")
    from apps.market import queries as market

    return CommandError(f"{error.message} {market.more_candles()} Or {cut}, where more are stored.")


def keep_compiled_code() -> None:
    """Where the code's own folder can't be written, keep compiled loops in this home: else each run compiles anew."""
    if not os.access(Path(backtest.__file__).parent, os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(settings.HQ_HOME / "cache" / "numba"))


def day(text: str) -> datetime:
    """A day in UTC. Raises ``ArgumentTypeError``."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ArgumentTypeError(f"a day is written YYYY-MM-DD, such as 2026-01-31; was {text!r}") from None


def number(text: str) -> Decimal:
    """An exact number. Raises ``ArgumentTypeError``."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise ArgumentTypeError(f"a number is expected, such as 0.001; was {text!r}")
    return found


def _from_files(paths: Sequence[Path], symbols: Sequence[str]) -> GivenCandles:
    if symbols and len(symbols) != len(paths):
        raise CommandError(f"--instruments names {len(symbols)} for {len(paths)} files; give one for each, or none.")
    series: list[CandleColumns] = []
    rules: dict[str, InstrumentRules] = {}
    try:
        for path, symbol in zip_longest(paths, symbols):
            columns = wiring.candle_columns(path, symbol)
            series.append(columns)
            if columns.symbol not in rules:
                rules[columns.symbol] = wiring.rules_beside(path, columns)
    except NoRecordedRun as error:
        raise CommandError(str(error)) from error
    return GivenCandles(series, rules)


def _stored(symbols: Sequence[str], timeframe: str | None) -> GivenCandles:
    house()
    from apps.agents import operations as agents
    from apps.market import queries as market

    ask_database("Stored candles lie in the database; --data FILE takes candle files instead.")
    wanted = list(symbols) or list(market.watched_symbols())
    base = timeframe or market.market_clock().base_timeframe
    given = agents.stored_candles(symbols=wanted, timeframe=base)
    return GivenCandles(given.series, given.rules)


def add_checked(parser: ArgumentParser) -> None:
    """What both checks of a strategy take."""
    add_strategies(parser)
    add_candles(parser)
    parser.add_argument("--points", type=int, default=200, help="bars that are looked at, evenly spread")


def report_checks(
    command: BaseCommand, check: Callable[..., StrategyCheck], options: Mapping[str, Any], *, passed: str
) -> None:
    """Check each strategy on each series and tell. Raises ``CommandError`` with what differed."""
    keep_compiled_code()
    failed: list[str] = []
    try:
        for columns in read_candles(options).series:
            for wanted in options["strategy"]:
                found = check(
                    strategy=wanted.name, parameters=wanted.parameters, columns=columns, points=options["points"]
                )
                where = f"{wanted.name} on {columns.symbol} {columns.timeframe}, {found.places} bars"
                if found.passed:
                    command.stdout.write(f"{where}: {passed}")
                failed += [f"{where}: {sentence}" for sentence in found.findings]
    except HQError as error:
        raise refusal(error, options) from error
    if failed:
        raise CommandError("\n".join(failed))
