"""Where the stop of a position goes: read once for an instrument, answered for each buy."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.market import queries as market
from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.risk.risk_limits import LimitValues
from apps.trading.domain.stops.stop_placement import average_true_range, protective_stop, stop_distance
from apps.trading.queries.risk_limits import current_limits

BARS = 30  # of the base timeframe: what the average true range is taken over


@dataclass(frozen=True, slots=True)
class StopRule:
    """``average_range`` in the quote currency, of the instrument's last bars; ``rules`` of the instrument."""

    average_range: float | None
    limits: LimitValues
    rules: InstrumentRules

    def after_buy(self, *, entry: Decimal, standing: Decimal | None) -> Decimal:
        """Where the stop goes after a buy at ``entry``: never below the one that stands."""
        distance = stop_distance(
            average_range=self.average_range,
            price=float(entry),
            multiple=float(self.limits.stop_volatility_multiple),
            nearest=float(self.limits.min_stop_distance),
            farthest=float(self.limits.max_stop_distance),
        )
        wanted = protective_stop(entry=entry, distance=distance, tick=self.rules.tick_size)
        return wanted if standing is None else max(wanted, standing)


def stop_rule(*, symbol: str, until: datetime) -> StopRule:
    """The rule as of ``until`` (firm)."""
    clock = market.market_clock()
    candles = market.closed_candles(symbol=symbol, timeframe=clock.base_timeframe, until=until, limit=BARS)
    average = average_true_range(
        [float(bar.high) for bar in candles],
        [float(bar.low) for bar in candles],
        [float(bar.close) for bar in candles],
    )
    return StopRule(average, current_limits(), market.instrument_rules(symbol))
