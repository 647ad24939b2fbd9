"""Prices of the house's seeded practice market, as a feed."""

from collections.abc import Sequence
from functools import lru_cache

from apps.market.domain import simulated_market, timeframes
from workers.exchange_simulator.engine.instruments import Instrument
from workers.exchange_simulator.engine.price_feed import Bar

BAR_MS = timeframes.seconds(simulated_market.BASE_TIMEFRAME) * 1_000


class GeneratedPrices:
    """The bars that ``MARKET=simulated`` shows for this seed and source, so that the house and its venue agree."""

    bar_ms = BAR_MS
    first_ms = timeframes.to_milliseconds(simulated_market.FIRST_OPEN)
    last_ms: int | None = None

    def __init__(self, symbols: Sequence[str], seed: int, source: str = simulated_market.SOURCES[0]) -> None:
        self.symbols, self.seed, self.source = tuple(symbols), seed, source
        self.bar = lru_cache(maxsize=60_000)(self._bar)  # type: ignore[method-assign]

    def instruments(self) -> list[Instrument]:
        rules = [simulated_market.rules(symbol) for symbol in self.symbols]
        return [
            Instrument(
                rule.symbol, rule.base, rule.quote, rule.tick_size, rule.step_size, rule.min_quantity, rule.min_notional
            )
            for rule in rules
        ]

    def bar(self, symbol: str, open_ms: int) -> Bar | None:
        """The bar that opens then; None before the first one and in the generator's gaps."""
        return self._bar(symbol, open_ms)

    def _bar(self, symbol: str, open_ms: int) -> Bar | None:
        index = (open_ms - self.first_ms) // BAR_MS
        made = simulated_market.candle(seed=self.seed, symbol=symbol, source=self.source, index=index)
        if made is None:
            return None
        return Bar(open_ms, made.open, made.high, made.low, made.close, made.volume)
