"""Recorded candle files behind the provider port, and the run they make. A file is held as bytes and parsed line by
line.
"""

import gzip
import hashlib
import json
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from apps.foundation.errors import RetryableFailure
from apps.market.adapters import stock_bars
from apps.market.adapters.exchange_sessions import ExchangeSessions
from apps.market.domain import candles as bars
from apps.market.domain import recorded_set, timeframes
from apps.market.domain.candles import Candle
from apps.market.domain.instruments import InstrumentRules, assumed_rules, split_symbol
from apps.market.domain.order_book import OrderBook
from apps.market.domain.quotes import Quote, assumed_quote
from apps.market.domain.recorded_set import Choice, NoRecordedRun, Span
from apps.market.domain.sessions import Sessions
from apps.market.ports import ProviderRefused

HEADER = b"timestamp_ms,open,high,low,close,volume"
_COMMAS = HEADER.count(b",")
_NUMERIC = b"0123456789.,eE+-"
_SAMPLE = 2_000  # rows from which assumed steps are read
_NEWEST_WITHIN = 150  # bars
_PLACES = 6  # of a price that was carried back over splits


class CandleFile:
    """One recorded file. Opening times ascend; refused with a sentence where they don't or a row can't be read."""

    def __init__(self, path: Path, symbol: str, source: str, timeframe: str) -> None:
        self.path, self.symbol, self.source, self.timeframe = path, symbol, source, timeframe
        self.sessions: Sessions | None = None
        self.splits: Sequence[tuple[int, Decimal]] = ()  # until when, and what the prices before are multiplied with
        packed = path.read_bytes()
        self.sha256 = hashlib.sha256(packed).hexdigest()
        try:
            lines = gzip.decompress(packed).splitlines()
        except (OSError, EOFError) as error:
            raise NoRecordedRun(
                f"{path.name} can't be unpacked ({error}); fetch it again with download_candles."
            ) from error
        if not lines or lines[0].strip() != HEADER:
            raise NoRecordedRun(
                f"{path.name} must start with the line {HEADER.decode()!r}, was {lines[0][:60]!r}."
                if lines
                else f"{path.name} is empty."
            )
        self._rows = lines[1:]
        self._refuse_odd_rows()
        try:
            self.opens = array("q", (int(row[: row.index(b",")]) for row in self._rows))
        except ValueError as error:
            raise NoRecordedRun(
                f"{path.name} has a row that does not start with a timestamp in milliseconds ({error})."
            ) from error
        if not self.opens or any(later <= earlier for earlier, later in zip(self.opens, self.opens[1:], strict=False)):
            raise NoRecordedRun(f"{path.name} must have rows in ascending order of time, each time once.")

    def _refuse_odd_rows(self) -> None:
        """Name the first row that isn't six numbers, before a run is built on it."""
        odd = (row for row in self._rows if row.count(b",") != _COMMAS or row.translate(None, _NUMERIC))
        first = next(odd, None)
        if first is not None:
            raise NoRecordedRun(
                f"{self.path.name} has a row that is no candle: {first[:80].decode(errors='replace')!r}."
            )

    @property
    def span(self) -> Span:
        """Its first and last opening time."""
        return Span(timeframes.from_milliseconds(self.opens[0]), timeframes.from_milliseconds(self.opens[-1]))

    def keep(self, span: Span) -> None:
        """Forget the rows outside ``span``."""
        start = bisect_left(self.opens, timeframes.to_milliseconds(span.first_open))
        end = bisect_left(self.opens, timeframes.to_milliseconds(span.last_open) + 1)
        self.opens, self._rows = self.opens[start:end], self._rows[start:end]

    def keep_sessions(self, sessions: Sessions) -> None:
        """Forget the rows outside the exchange's sessions: trades before the opening and after the closing bell."""
        self.sessions = sessions
        inside = [
            place
            for place, at in enumerate(self.opens)
            if sessions.covers(timeframes.from_milliseconds(at), self.timeframe)
        ]
        self.opens = array("q", (self.opens[place] for place in inside))
        self._rows = [self._rows[place] for place in inside]
        if not inside:
            raise NoRecordedRun(f"{self.path.name} has no row inside a session of its exchange.")

    def between(self, first_ms: int, until_ms: int, limit: int | None = None) -> list[Candle]:
        """Sound candles that open at or after ``first_ms`` and before ``until_ms``."""
        start, end = bisect_left(self.opens, first_ms), bisect_left(self.opens, until_ms)
        end = end if limit is None else min(end, start + limit)
        parsed = (self._parsed(place) for place in range(start, end))
        return [candle for candle in parsed if bars.problem(candle) is None]

    def _parsed(self, place: int) -> Candle:
        cells = self._rows[place].decode().split(",")
        try:
            opened, high, low, close, volume = (Decimal(cell) for cell in cells[1:6])
        except (InvalidOperation, ValueError) as error:
            raise NoRecordedRun(
                f"{self.path.name}, the row of {self.opens[place]}: {self._rows[place].decode()!r} is no candle."
            ) from error
        open_at = timeframes.from_milliseconds(self.opens[place])
        if self.splits:
            factor = next((factor for until, factor in self.splits if self.opens[place] < until), Decimal(1))
            opened, high, low, close = (round(price * factor, _PLACES) for price in (opened, high, low, close))
            volume = (volume / factor).to_integral_value()
        return Candle(self.symbol, self.source, self.timeframe, open_at, opened, high, low, close, volume)


class RecordedMarket:
    """The run that the files of one folder make for one watch list. Raises ``NoRecordedRun`` with what is missing."""

    kind = "recorded"
    seed: int | None = None

    def __init__(self, folder: Path, words: Sequence[str], preferred: Sequence[str]) -> None:
        if not folder.is_dir():
            raise NoRecordedRun(
                f"RECORDED_DIR was {str(folder)!r}, which is no folder. Name one with candle files; "
                f"download_candles fills it."
            )
        choice = recorded_set.choose(words, [path.name for path in folder.iterdir()], preferred)
        self.files: Mapping[tuple[str, str], CandleFile] = {
            key: _stock_file(folder, named.name, *key, choice.timeframe)
            if key[0] in recorded_set.STOCK_RECORDINGS
            else CandleFile(folder / named.name, key[1], key[0], choice.timeframe)
            for key, named in choice.files.items()
        }
        span = recorded_set.common_span(choice, {key: file.span for key, file in self.files.items()})
        self.files = {key: file for key, file in self.files.items() if _overlaps(file.span, span)}
        for file in self.files.values():
            file.keep(span)
        self.base_timeframe = choice.timeframe
        self.symbols = choice.symbols
        self.sources = tuple(source for source in choice.sources if any(key[0] == source for key in self.files))
        self.first_open: datetime = span.first_open
        self.last_open: datetime | None = span.last_open
        self.digest = self._digest(choice)
        self.description = (
            f"Recorded {choice.timeframe} candles of {', '.join(choice.symbols)} from {', '.join(self.sources)}, "
            f"{span.first_open:%Y-%m-%d %H:%M} to {span.last_open:%Y-%m-%d %H:%M} UTC"
        )
        self.stated = {source: stated_rules(folder, source) for source in self.sources}

    def at(self, closed_at: datetime) -> tuple["RecordedProvider", ...]:
        """The exchanges of the run as they stood at ``closed_at``."""
        return tuple(RecordedProvider(self, source, closed_at) for source in self.sources)

    def _digest(self, choice: Choice) -> str:
        parts = [
            choice.timeframe,
            *(f"{source}|{symbol}|{file.sha256}" for (source, symbol), file in sorted(self.files.items())),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class RecordedProvider:
    """One recorded exchange at one moment."""

    market = "recorded"

    def __init__(self, world: RecordedMarket, source: str, closed_at: datetime) -> None:
        self._world = world
        self.name = source
        self._until_ms = timeframes.to_milliseconds(closed_at - timeframes.span(world.base_timeframe)) + 1

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentRules]:
        """The exchange's stated rules where its markets file is there, else rules assumed from the data."""
        return [self._rules(symbol) for symbol in symbols if (self.name, symbol) in self._world.files]

    def quotes(self, symbols: Sequence[str], *, received_at: datetime) -> list[Quote]:
        """The quote assumed at the newest close of each instrument."""
        found = []
        for symbol in symbols:
            file = self._world.files.get((self.name, symbol))
            place = bisect_left(file.opens, self._until_ms) - 1 if file else -1
            if file and place >= 0 and file.opens[place] > self._until_ms - _NEWEST_WITHIN * self._length_ms():
                newest = file.between(file.opens[place], self._until_ms)
                found += [assumed_quote(candle, received_at=received_at, market=self.market) for candle in newest]
        return found

    def candles(self, symbol: str, timeframe: str, *, since: datetime, limit: int) -> list[Candle]:
        """Closed candles only; coarser ones are aggregated from complete buckets."""
        file = self._file(symbol)
        since_ms = timeframes.to_milliseconds(since)
        if timeframe == self._world.base_timeframe:
            return file.between(since_ms, self._until_ms, limit)
        until_ms = min(self._until_ms, since_ms + (limit + 1) * timeframes.seconds(timeframe) * 1_000)
        hours = {symbol: file.sessions} if file.sessions is not None else None
        found = bars.aggregate(file.between(since_ms, until_ms), timeframe, hours)
        return [candle for candle in found if candle.open_at >= since][:limit]

    def order_book(self, symbol: str, *, depth: int, received_at: datetime) -> OrderBook:
        """The assumed top of book; nobody recorded the depth."""
        self._file(symbol)
        if depth < 1:
            raise ProviderRefused(f"The depth was {depth}; it must be 1 or more.")
        found = self.quotes([symbol], received_at=received_at)
        if not found:
            raise RetryableFailure(f"{self.name} has no recorded price of {symbol} at this time.")
        quote = found[0]
        told = "Assumed from the recorded close; no depth was recorded."
        return OrderBook(symbol, self.name, quote.event_at, ((quote.bid, None),), ((quote.ask, None),), told)

    def _rules(self, symbol: str) -> InstrumentRules:
        stated = self._world.stated.get(self.name, {}).get(symbol)
        if stated is not None:
            return stated
        file = self._file(symbol)
        if self.name in recorded_set.STOCK_RECORDINGS:
            return stock_bars.stock_rules(symbol)
        sample = file.between(file.opens[0], file.opens[min(_SAMPLE, len(file.opens)) - 1] + 1)
        return assumed_rules(
            symbol, prices=(candle.close for candle in sample), volumes=(candle.volume for candle in sample)
        )

    def _file(self, symbol: str) -> CandleFile:
        try:
            return self._world.files[self.name, symbol]
        except KeyError:
            raise ProviderRefused(f"No candles of {symbol} were recorded at {self.name}.", field="instrument") from None

    def _length_ms(self) -> int:
        return timeframes.seconds(self._world.base_timeframe) * 1_000


def _stock_file(folder: Path, name: str, source: str, symbol: str, timeframe: str) -> CandleFile:
    """A stock's recording inside its exchange's sessions, carried back over splits by its file of factors."""
    file = CandleFile(folder / name, symbol, source, timeframe)
    span = file.span
    found = ExchangeSessions().sessions(
        recorded_set.STOCK_RECORDINGS[source], span.first_open.date(), span.last_open.date()
    )
    file.keep_sessions(Sessions(found))
    file.splits = _split_factors(folder / f"{source}_{symbol.partition('/')[0]}_factors.csv.gz")
    file.sha256 += "".join(f"|{until}:{factor}" for until, factor in file.splits)  # other factors, another run
    return file


def _split_factors(path: Path) -> list[tuple[int, Decimal]]:
    """Until when (midnight in New York, in milliseconds) each factor holds, oldest first; none without a file."""
    if not path.is_file():
        return []
    try:
        rows = [line.split(",") for line in gzip.decompress(path.read_bytes()).decode().splitlines()[1:]]
        found = [(_day_after(row[0]), Decimal(row[2])) for row in rows]
    except (OSError, EOFError, ValueError, IndexError, InvalidOperation) as error:
        raise NoRecordedRun(f"{path.name} can't be read ({type(error).__name__}: {error}).") from error
    return [(until, factor) for until, factor in found if factor != 1]


def _day_after(day: str) -> int:
    """The end of a row's last day, which is 4 or 5 hours past midnight UTC; nothing trades between."""
    return timeframes.to_milliseconds(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC) + timedelta(hours=29))


def _overlaps(one: Span, other: Span) -> bool:
    return one.first_open <= other.last_open and other.first_open <= one.last_open


def stated_rules(folder: Path, exchange: str) -> dict[str, InstrumentRules]:
    """Rules by symbol from ``<exchange>_markets.json``; empty when there is no such file."""
    path = folder / f"{exchange}_markets.json"
    if not path.is_file():
        return {}
    try:
        listed = json.loads(path.read_text())
        return {symbol: _stated(symbol, fields) for symbol, fields in listed.items()}
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise NoRecordedRun(
            f"{path.name} can't be read ({type(error).__name__}: {error}); fetch it again with download_candles."
        ) from error


def _stated(symbol: str, fields: Mapping[str, str]) -> InstrumentRules:
    base, quote = split_symbol(symbol)
    return InstrumentRules(
        symbol=symbol,
        base=base,
        quote=quote,
        tick_size=Decimal(fields["tick_size"]),
        step_size=Decimal(fields["step_size"]),
        min_quantity=Decimal(fields["min_quantity"]),
        min_notional=Decimal(fields["min_notional"]),
    )
