"""From what was asked, as it is stored, to what is run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.agents.domain.backtest.run_backtest import BacktestWish, WantedStrategy
from apps.agents.operations.check_agent_settings import check_instruments, check_timeframe
from apps.foundation.errors import Refused
from apps.foundation.money import plain
from apps.foundation.time_text import utc_text
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


def asked_terms(
    *,
    instruments: Sequence[str],
    timeframe: str | None,
    start: datetime | None,
    end: datetime | None,
    starting_capital: Decimal,
    fee: Decimal | None,
    slippage_bps: Decimal | None,
) -> dict[str, Any]:
    """On what and on which terms, as it is stored. Without instruments the watch list, without a timeframe the market's
    base. Raises ``Refused`` naming the field.
    """
    return {
        "instruments": check_instruments(instruments) or list(market.watched_symbols()),
        "timeframe": check_timeframe(timeframe or market.market_clock().base_timeframe),
        "start": utc_text(start),
        "end": utc_text(end),
        "starting_capital": plain(starting_capital),
        "fee": None if fee is None else plain(fee),
        "slippage_bps": None if slippage_bps is None else plain(slippage_bps),
    }


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
