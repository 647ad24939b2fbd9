"""From what was asked, as it is stored, to what is run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.agents.operations.run_backtest import BacktestWish, WantedStrategy
from apps.foundation.errors import Refused
from apps.market import queries as market
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import CandleColumns
from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.risk.risk_limits import DEFAULT_LIMITS, changed


@dataclass(frozen=True, slots=True)
class StoredCandles:
    """``series`` in the order of the instruments; ``rules`` of each."""

    series: Sequence[CandleColumns]
    rules: Mapping[str, InstrumentRules]


def wish_of(stored: Mapping[str, Any]) -> BacktestWish:
    """What ``run_backtest`` takes. Raises ``Refused`` naming the limit (``limits.<name>``) that can't be set."""
    try:
        limits = changed(DEFAULT_LIMITS, stored["limits"]) if stored["limits"] else DEFAULT_LIMITS
    except Refused as error:
        raise Refused(
            error.message, code=error.code, field=f"limits.{error.field}" if error.field else "limits"
        ) from None
    return BacktestWish(
        strategies=[WantedStrategy(one["name"], one["parameters"], one["timeframe"]) for one in stored["strategies"]],
        mode=stored["mode"],
        capital=Decimal(stored["starting_capital"]),
        fee=_decimal(stored["fee"]),
        slippage_bps=_decimal(stored["slippage_bps"]),
        seed=stored["seed"],
        limits=limits,
        resumes_daily=stored["resumes_daily"],
        first_ms=timeframes.to_milliseconds(datetime.fromisoformat(stored["start"])) if stored["start"] else 0,
    )


def stored_candles(*, symbols: Sequence[str], timeframe: str, end: datetime | None = None) -> StoredCandles:
    """The candles of this home that open before ``end``. Raises ``NotReady`` where there are none."""
    series = [market.candle_columns(symbol=symbol, timeframe=timeframe) for symbol in symbols]
    if end is not None:
        series = [columns.between(0, timeframes.to_milliseconds(end)) for columns in series]
    return StoredCandles(series, {symbol: market.instrument_rules(symbol) for symbol in symbols})


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
