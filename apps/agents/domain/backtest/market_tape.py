"""Recorded series played bar by bar: what was known at each close, and nothing later."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.strategies.contract import VenueQuote
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import CandleColumns, coarser
from apps.market.domain.candles import Candle
from apps.market.domain.mark_price import STALE_AFTER_BARS, Mark, mark_of
from apps.market.domain.quotes import RECORDED_HALF_SPREAD_BPS, Quote, around_close, assumed_quote
from apps.trading.domain.risk.correlation import Closes
from apps.trading.domain.stops.stop_placement import AVERAGE_BARS, average_true_range

REMEMBERED_BARS = 50 * STALE_AFTER_BARS  # how far back a silent source still counts


class MarketTape:
    """Series of one base timeframe; of each instrument the first one given is where orders go, others are quoted only.

    ``market``: recorded or simulated, which tells the assumed spread. Raises ``ValueError`` for no series, for series
    of different timeframes, or one given twice.
    """

    def __init__(self, series: Sequence[CandleColumns], *, market: str = "recorded") -> None:
        if len({each.timeframe for each in series}) != 1:
            found = ", ".join(sorted({each.timeframe for each in series})) or "none"
            raise ValueError(f"A run needs series of one timeframe, was {found}.")
        self.base = series[0].timeframe
        self._market = market
        self._sources: dict[str, list[CandleColumns]] = {}
        for each in series:
            self._sources.setdefault(each.symbol, []).append(each)
        if any(len({one.source for one in given}) != len(given) for given in self._sources.values()):
            raise ValueError("A series was given twice; each source may tell of an instrument once.")
        self.symbols = tuple(sorted(self._sources))
        # A search in Python's own array takes a fraction of one in numpy's, and a list of numbers four times the room.
        self._closes = {
            (symbol, each.source): array("q", each.closes_at.astype(np.int64).tobytes())
            for symbol, given in self._sources.items()
            for each in given
        }
        self._columns = {(symbol, self.base): given[0] for symbol, given in self._sources.items()}
        self._candles: dict[tuple[str, str, int], Candle] = {}
        self._quotes: dict[str, list[Quote]] = {}
        self._marks: dict[str, Mark] = {}
        self.now_ms, self.now = 0, timeframes.from_milliseconds(0)  # the firm's time: the close of the newest bar

    @cached_property
    def times(self) -> NDArray[np.int64]:
        """Every close of a base bar of an instrument, in milliseconds, once."""
        return np.unique(np.concatenate([given[0].closes_at for given in self._sources.values()]))

    def show(self, closed_ms: int) -> None:
        """Let the bars that close at this time become known."""
        self.now_ms, self.now = closed_ms, timeframes.from_milliseconds(closed_ms)
        self._candles.clear()
        self._quotes.clear()
        self._marks.clear()

    def sources(self, symbol: str) -> Sequence[CandleColumns]:
        """All series of the instrument, the traded one first."""
        return self._sources[symbol]

    @property
    def market(self) -> str:
        """What the assumed quotes are made for: recorded or simulated."""
        return self._market

    def primary(self, symbol: str) -> CandleColumns:
        """The series on which the instrument is traded."""
        return self._sources[symbol][0]

    def columns(self, symbol: str, timeframe: str) -> CandleColumns:
        """The instrument's candles at a timeframe, the base or one it divides. Raises ``ValueError``."""
        key = (symbol, timeframe)
        if key not in self._columns:
            self._columns[key] = coarser(self.primary(symbol), timeframe)
        return self._columns[key]

    def place(self, symbol: str, timeframe: str) -> int | None:
        """The place of the candle that closes now; None where there is none."""
        columns = self.columns(symbol, timeframe)
        found = int(np.searchsorted(columns.times, self.now_ms - columns.length_ms))
        return found if found < len(columns) and columns.times[found] + columns.length_ms == self.now_ms else None

    def bars(self, symbols: Iterable[str]) -> list[Candle]:
        """The base bars of these instruments that close now."""
        places = ((symbol, self.place(symbol, self.base)) for symbol in symbols)
        return [self._candle(self.primary(symbol), place) for symbol, place in places if place is not None]

    def marks(self, symbols: Iterable[str]) -> dict[str, Mark]:
        """The marks of these instruments, as they are in the house: the median of the sources that are fresh and
        agree.
        """
        return {symbol: self.mark(symbol) for symbol in symbols}

    def mark(self, symbol: str) -> Mark:
        """The mark of one instrument."""
        if symbol not in self._marks:
            bar = timeframes.span(self.base)
            self._marks[symbol] = mark_of(
                symbol, self._quotes_of(symbol), wall=self.now, firm=self.now, bar=bar, live=False
            )
        return self._marks[symbol]

    def venues(self, symbol: str) -> tuple[VenueQuote, ...]:
        """What the sources quote of the instrument, the traded one first."""
        quotes = self._quotes_of(symbol)
        return tuple(VenueQuote(q.source, float(q.bid), float(q.ask), q.event_at) for q in quotes)

    def average_range(self, symbol: str) -> float | None:
        """The average true range of the last base bars, in the quote currency."""
        columns = self.primary(symbol)
        end = bisect_right(self._closes[symbol, columns.source], self.now_ms)
        last = slice(max(0, end - AVERAGE_BARS), end)
        return average_true_range(columns.high[last].tolist(), columns.low[last].tolist(), columns.close[last].tolist())

    def closes_of(self, symbols: Sequence[str], bars: int) -> dict[str, Closes]:
        """Closing prices by closing time of the last ``bars`` + 1 base bars; what is missing is missing."""
        length = self.primary(self.symbols[0]).length_ms
        found: dict[str, Closes] = {}
        for symbol in symbols:
            columns = self.primary(symbol)
            closes = self._closes[symbol, columns.source]
            end = bisect_right(closes, self.now_ms)
            first = bisect_right(closes, self.now_ms - length * (bars + 1), max(0, end - bars - 1), end)
            found[symbol] = dict(zip(closes[first:end], columns.close[first:end].tolist(), strict=True))
        return found

    def _quotes_of(self, symbol: str) -> list[Quote]:
        if symbol not in self._quotes:
            quotes = (self._quote_of(each) for each in self._sources[symbol])
            self._quotes[symbol] = [quote for quote in quotes if quote is not None]
        return self._quotes[symbol]

    def _quote_of(self, columns: CandleColumns) -> Quote | None:
        """``assumed_quote`` of the newest candle. On a recorded market it follows from the close alone."""
        place = self._newest(columns)
        if place is None:
            return None
        if self._market != "recorded":
            return assumed_quote(self._candle(columns, place), received_at=self.now, market=self._market)
        close = Decimal(repr(float(columns.close[place])))
        bid, ask = around_close(close, half_bps=RECORDED_HALF_SPREAD_BPS)
        closed_at = timeframes.from_milliseconds(self._closes[columns.symbol, columns.source][place])
        return Quote(columns.symbol, columns.source, bid, ask, close, closed_at, self.now, self._market)

    def _newest(self, columns: CandleColumns) -> int | None:
        place = bisect_right(self._closes[columns.symbol, columns.source], self.now_ms) - 1
        reach = REMEMBERED_BARS * columns.length_ms
        if place < 0 or self._closes[columns.symbol, columns.source][place] <= self.now_ms - reach:
            return None
        return place

    def _candle(self, columns: CandleColumns, place: int) -> Candle:
        key = (columns.symbol, columns.source, place)
        if key not in self._candles:
            self._candles[key] = columns.candle(place)
        return self._candles[key]
