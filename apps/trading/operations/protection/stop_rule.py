"""The rule that tells where the stop of a position goes, read for an instrument."""

from datetime import datetime

from apps.market import queries as market
from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.stops.stop_placement import AVERAGE_BARS, StopRule, average_true_range
from apps.trading.queries.risk_limits import current_limits


def stop_rule(rules: InstrumentRules, *, until: datetime) -> StopRule:
    """The rule as of ``until`` (firm)."""
    clock = market.market_clock()
    candles = market.closed_candles(
        symbol=rules.symbol, timeframe=clock.base_timeframe, until=until, limit=AVERAGE_BARS
    )
    average = average_true_range(
        [float(bar.high) for bar in candles],
        [float(bar.low) for bar in candles],
        [float(bar.close) for bar in candles],
    )
    return StopRule(average, current_limits(), rules)
