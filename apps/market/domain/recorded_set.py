"""Which recorded candle files make one run: by file name, exchange, timeframe and common span. Pure; files are listed
by the caller.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.market.domain import timeframes
from apps.market.domain.instruments import STOCK_CALENDAR, STOCK_CURRENCY, split_symbol

HISTORY_BARS = 500
# Recordings of stocks, named by the share alone (usstock_AAPL_1h), and the exchange whose sessions they keep.
STOCK_RECORDINGS = {"usstock": STOCK_CALENDAR}
_NAME = re.compile(
    r"^(?P<exchange>[a-z0-9]+)_(?P<pair>[A-Z0-9]+)(?:-(?P<suffix>[A-Za-z0-9]+))?_(?P<timeframe>[0-9]+[mhd])\.csv\.gz$"
)


class NoRecordedRun(ValueError):  # noqa: N818 - reads as what happened
    """The files don't make a run; the message says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """What the name of a candle file says."""

    name: str
    exchange: str
    pair: str
    suffix: str
    timeframe: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """One instrument of the watch list: ``BTC/USDT`` or, to take a file with a suffix, ``BTC/USD-2018``."""

    symbol: str
    pair: str
    suffix: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The files of the run by source and symbol; the first source is the primary one and has every symbol."""

    timeframe: str
    symbols: tuple[str, ...]
    files: Mapping[tuple[str, str], RecordedFile]

    @property
    def sources(self) -> tuple[str, ...]:
        """The exchanges that take part, the primary one first."""
        return tuple(dict.fromkeys(source for source, _ in self.files))


@dataclass(frozen=True, slots=True)
class Span:
    """Opening times of the first and the last bar."""

    first_open: datetime
    last_open: datetime


def parse_name(name: str) -> RecordedFile | None:
    """The candle file that this name describes; None for any other file (quotes, trades, factors)."""
    match = _NAME.match(name)
    if match is None or match["timeframe"] not in timeframes.SECONDS:
        return None
    return RecordedFile(name, match["exchange"], match["pair"], match["suffix"] or "", match["timeframe"])


def file_name(exchange: str, symbol: str, timeframe: str) -> str:
    """The name under which candles of this instrument are kept."""
    return f"{exchange}_{''.join(split_symbol(symbol))}_{timeframe}.csv.gz"


def parse_wanted(word: str) -> Wanted:
    """An entry of the watch list; ``NoRecordedRun`` for one that is no instrument."""
    symbol, _, suffix = word.partition("-")
    try:
        base, quote = split_symbol(symbol)
    except ValueError as error:
        raise NoRecordedRun(f"INSTRUMENTS: {error}") from None
    return Wanted(symbol=symbol, pair=base + quote, suffix=suffix)


def choose(words: Sequence[str], names: Iterable[str], preferred: Sequence[str]) -> Choice:
    """The run for this watch list from these file names: the first exchange that has every instrument, at its finest
    common timeframe.

    Exchanges are tried in the ``preferred`` order, then by name; others join with the files they have at that
    timeframe.
    Files with a suffix count only when the suffix is named. Raises ``NoRecordedRun``.
    """
    wanted = [parse_wanted(word) for word in words]
    if not wanted:
        raise NoRecordedRun("INSTRUMENTS is empty; name at least one, such as BTC/USDT.")
    found: dict[tuple[str, str, str], RecordedFile] = {}
    for name in sorted(names):
        parsed = parse_name(name)
        if parsed is None:
            continue
        for want in wanted:
            if (parsed.pair, parsed.suffix) == (_pair_at(parsed.exchange, want), want.suffix):
                found[parsed.exchange, want.symbol, parsed.timeframe] = parsed
    symbols = tuple(want.symbol for want in wanted)
    _refuse_missing(symbols, found)
    exchanges = sorted({exchange for exchange, _, _ in found}, key=lambda name: (_rank(name, preferred), name))
    for exchange in exchanges:
        for timeframe in sorted(timeframes.SECONDS, key=timeframes.seconds):
            if all((exchange, symbol, timeframe) in found for symbol in symbols):
                order = [exchange, *(other for other in exchanges if other != exchange)]
                files = {
                    (one, symbol): found[one, symbol, timeframe]
                    for one in order
                    for symbol in symbols
                    if (one, symbol, timeframe) in found
                }
                return Choice(timeframe=timeframe, symbols=symbols, files=files)
    held = ", ".join(sorted(parsed.name for parsed in found.values()))
    raise NoRecordedRun(
        f"No single exchange has candles of {', '.join(symbols)} at one timeframe. Found: {held}. Fetch what is "
        f"missing with download_candles."
    )


def _pair_at(exchange: str, want: Wanted) -> str:
    """How a recording of this exchange names the instrument."""
    base, quote = split_symbol(want.symbol)
    return base if exchange in STOCK_RECORDINGS and quote == STOCK_CURRENCY else want.pair


def common_span(choice: Choice, spans: Mapping[tuple[str, str], Span]) -> Span:
    """The time that every instrument of the primary source covers, long enough for the history and one bar; else
    ``NoRecordedRun``.
    """
    primary = choice.sources[0]
    own = {symbol: spans[primary, symbol] for symbol in choice.symbols}
    first, last = max(span.first_open for span in own.values()), min(span.last_open for span in own.values())
    told = "; ".join(
        f"{symbol} {span.first_open:%Y-%m-%d %H:%M} to {span.last_open:%Y-%m-%d %H:%M}" for symbol, span in own.items()
    )
    if first > last:
        raise NoRecordedRun(
            f"The recorded spans don't overlap: {told}. Leave an instrument out or fetch a common span with "
            f"download_candles."
        )
    bars = int((last - first) / timeframes.span(choice.timeframe)) + 1
    if bars <= HISTORY_BARS:
        raise NoRecordedRun(
            f"The common span has {bars} bars of {choice.timeframe}; {HISTORY_BARS} serve as history, so at "
            f"least {HISTORY_BARS + 1} are needed ({told})."
        )
    return Span(first, last)


def _refuse_missing(symbols: Sequence[str], found: Mapping[tuple[str, str, str], RecordedFile]) -> None:
    held = {symbol for _, symbol, _ in found}
    for symbol in symbols:
        if symbol not in held:
            raise NoRecordedRun(
                f"INSTRUMENTS names {symbol}, but RECORDED_DIR holds no file for it, such as "
                f"{file_name('binance', symbol, '5m')}. "
                "Fetch one with download_candles or leave the instrument out."
            )


def _rank(exchange: str, preferred: Sequence[str]) -> int:
    return preferred.index(exchange) if exchange in preferred else len(preferred)
