"""What the market room needs from outside, and the one place where its adapters are put when the process starts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from apps.foundation.errors import NotReady, Refused
from apps.market.domain.candles import Candle
from apps.market.domain.instruments import InstrumentRules
from apps.market.domain.order_book import OrderBook
from apps.market.domain.quotes import Quote
from apps.market.domain.sessions import Session
from apps.market.domain.stock_rows import RowNotice


class ProviderRefused(Refused):
    """The provider answered, but not with what was asked for: an unknown instrument, a page instead of data."""

    code = "provider_refused"


class MarketDataProvider(Protocol):
    """One source of prices. Reads raise ``RetryableFailure`` for a passing failure and ``ProviderRefused`` for a
    lasting one.
    """

    @property
    def name(self) -> str: ...

    @property
    def market(self) -> str:
        """live, recorded or simulated."""
        ...

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentRules]:
        """Rules of those of ``symbols`` that this source trades."""
        ...

    def quotes(self, symbols: Sequence[str], *, received_at: datetime) -> list[Quote]:
        """The latest quote of each of ``symbols`` that this source has; unsound ones are left out."""
        ...

    def candles(self, symbol: str, timeframe: str, *, since: datetime, limit: int) -> list[Candle]:
        """At most ``limit`` candles that open at or after ``since``, oldest first. A live source's last one may still
        be open.
        """
        ...

    def order_book(self, symbol: str, *, depth: int, received_at: datetime) -> OrderBook:
        """At most ``depth`` levels a side."""
        ...


class LockStepMarket(Protocol):
    """A recorded or generated market that is released bar by bar."""

    kind: str
    digest: str  # what tells this data set from every other
    description: str  # the same for people
    base_timeframe: str
    symbols: tuple[str, ...]
    sources: tuple[str, ...]  # the primary one first
    first_open: datetime
    last_open: datetime | None  # None: it never ends
    seed: int | None

    def at(self, closed_at: datetime) -> tuple[MarketDataProvider, ...]:
        """Its sources as they stood at ``closed_at``; they show nothing later."""
        ...


class QuoteBoard(Protocol):
    """The latest quotes of all sources, shared by all processes. ``NotReady`` while it is away."""

    def put(self, quotes: Sequence[Quote]) -> None: ...

    def latest(self, symbols: Sequence[str], sources: Sequence[str]) -> dict[str, list[Quote]]: ...


class CandleStore(Protocol):
    """A file of candles that can be broken off and gone on with."""

    def resume(self) -> tuple[datetime, datetime] | None:
        """Opening times of the first and last candle that are there already."""
        ...

    def append(self, candles: Sequence[Candle]) -> None: ...


class SessionCalendar(Protocol):
    """When exchanges are open."""

    def sessions(self, calendar: str, first: date, last: date) -> list[Session]:
        """The trading days from ``first`` to ``last``. Raises ``Refused`` (``unknown_calendar``)."""
        ...


@dataclass(frozen=True, slots=True)
class SourceNotice:
    """What a source's cleaning found wrong, and where."""

    symbol: str
    source: str
    timeframe: str
    notice: RowNotice


@dataclass(frozen=True, slots=True)
class MarketAdapters:
    """The adapters of this process. The callables build lazily: a process that never asks never loads an exchange
    library.
    """

    board: QuoteBoard
    lock_step: Callable[[], LockStepMarket]
    live: Callable[[], tuple[MarketDataProvider, ...]]
    calendar: Callable[[], SessionCalendar]
    notices: Callable[[], Sequence[SourceNotice]]


_installed: list[MarketAdapters] = []


def install(adapters: MarketAdapters) -> None:
    """Called once by the wiring when Django starts, and by tests that bring their own."""
    _installed[:] = [adapters]


def adapters() -> MarketAdapters:
    """The adapters of this process."""
    if not _installed:
        raise NotReady("The market's adapters are not installed; django.setup() has not run.", code="market_not_wired")
    return _installed[0]
