"""The generated practice market behind the provider port: it shows each venue as it stood at one moment, and nothing
later.
"""

from collections.abc import Sequence
from datetime import datetime

from apps.foundation.errors import RetryableFailure
from apps.market.domain import candles as bars
from apps.market.domain import simulated_market, timeframes
from apps.market.domain.candles import Candle
from apps.market.domain.instruments import InstrumentRules
from apps.market.domain.order_book import OrderBook
from apps.market.domain.quotes import Quote, assumed_quote
from apps.market.ports import ProviderRefused

_NEWEST_WITHIN = 150  # bars; a venue's outage is far shorter


class SimulatedMarket:
    """The market that ``seed`` decides. It starts at a fixed date and never ends."""

    kind = "simulated"
    base_timeframe = simulated_market.BASE_TIMEFRAME
    sources: tuple[str, ...] = simulated_market.SOURCES
    first_open = simulated_market.FIRST_OPEN
    last_open: datetime | None = None

    def __init__(self, symbols: Sequence[str], seed: int) -> None:
        self.symbols = tuple(symbols)
        self.seed: int | None = seed
        self.digest = f"simulated-1-{seed}"
        self.description = (
            f"Simulated market, seed {seed}, {self.base_timeframe} bars on two venues; prices are generated, not real"
        )

    def at(self, closed_at: datetime) -> tuple["SimulatedProvider", ...]:
        """Both venues as they stood at ``closed_at``."""
        return tuple(SimulatedProvider(self, source, closed_at) for source in self.sources)


class SimulatedProvider:
    """One simulated venue at one moment."""

    market = "simulated"

    def __init__(self, world: SimulatedMarket, source: str, closed_at: datetime) -> None:
        self._world = world
        self.name = source
        self._closed_at = closed_at

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentRules]:
        """The generator's own rules; every venue trades everything."""
        return [simulated_market.rules(symbol) for symbol in symbols if symbol in self._world.symbols]

    def quotes(self, symbols: Sequence[str], *, received_at: datetime) -> list[Quote]:
        """The quote at the close of each instrument's newest bar."""
        newest = (self._newest(symbol) for symbol in symbols if symbol in self._world.symbols)
        return [
            assumed_quote(candle, received_at=received_at, market=self.market)
            for candle in newest
            if candle is not None
        ]

    def candles(self, symbol: str, timeframe: str, *, since: datetime, limit: int) -> list[Candle]:
        """Closed candles only; coarser ones are aggregated from complete buckets."""
        self._refuse_unknown(symbol)
        base = self._world.base_timeframe
        first = simulated_market.index_of(
            timeframes.floor_time(since, timeframe) if since > self._world.first_open else self._world.first_open
        )
        bars_needed = limit * (timeframes.seconds(timeframe) // timeframes.seconds(base))
        last = min(simulated_market.index_of(self._closed_at), first + bars_needed)
        found = [candle for index in range(first, last) if (candle := self._candle(symbol, index)) is not None]
        if timeframe != base:
            found = bars.aggregate(found, timeframe)
        return [candle for candle in found if candle.open_at >= since][:limit]

    def order_book(self, symbol: str, *, depth: int, received_at: datetime) -> OrderBook:
        """The assumed top of book; a generated market has no depth."""
        self._refuse_unknown(symbol)
        if depth < 1:
            raise ProviderRefused(f"The depth was {depth}; it must be 1 or more.")
        found = self.quotes([symbol], received_at=received_at)
        if not found:
            raise RetryableFailure(f"{self.name} has no price of {symbol} yet.")
        quote = found[0]
        return OrderBook(
            symbol,
            self.name,
            quote.event_at,
            ((quote.bid, None),),
            ((quote.ask, None),),
            "Generated top of book, no depth.",
        )

    def _newest(self, symbol: str) -> Candle | None:
        end = simulated_market.index_of(self._closed_at)
        found = (self._candle(symbol, index) for index in range(end - 1, max(end - 1 - _NEWEST_WITHIN, -1), -1))
        return next((candle for candle in found if candle is not None), None)

    def _candle(self, symbol: str, index: int) -> Candle | None:
        return simulated_market.candle(seed=self._world.seed or 0, symbol=symbol, source=self.name, index=index)

    def _refuse_unknown(self, symbol: str) -> None:
        if symbol not in self._world.symbols:
            raise ProviderRefused(
                f"{self.name} does not trade {symbol}; it has {', '.join(self._world.symbols)}.", field="instrument"
            )
