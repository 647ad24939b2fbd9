"""From a vendor's rows of one stock to sound candles on the house's grid, inside the exchange's sessions only."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from apps.foundation.money import plain
from apps.market.adapters import source_notices
from apps.market.domain import candles as bars
from apps.market.domain import timeframes
from apps.market.domain.candles import Candle
from apps.market.domain.instruments import STOCK_CALENDAR, STOCK_CURRENCY, InstrumentRules
from apps.market.domain.sessions import Sessions
from apps.market.domain.stock_repairs import clean
from apps.market.domain.stock_rows import RowNotice, StockRow
from apps.market.ports import SessionCalendar

# What is asked of a vendor for each timeframe: hours begin at 9:30 or 10:00 there, so they are built from quarters.
ASKED = {
    "1m": "1m",
    "3m": "1m",
    "5m": "5m",
    "15m": "15m",
    "30m": "15m",
    "1h": "15m",
    "2h": "15m",
    "4h": "15m",
    "6h": "15m",
    "12h": "15m",
    "1d": "1d",
}
REACH = timedelta(days=130)  # holds the context of any timeframe
CONTEXT_ROWS = 40  # asked for before the wanted span: an error shows only beside sound rows
_CENT, _FRACTION = Decimal("0.01"), Decimal("0.000000001")


def stock_rules(symbol: str) -> InstrumentRules:
    """Rules of a US stock: a cent, fractions of a share as its brokers take them, a dollar at least; assumed."""
    base = symbol.partition("/")[0]
    return InstrumentRules(
        symbol=symbol,
        base=base,
        quote=STOCK_CURRENCY,
        tick_size=_CENT,
        step_size=_FRACTION,
        min_quantity=_FRACTION,
        min_notional=Decimal(1),
        assumed=("tick_size", "step_size", "min_quantity", "min_notional"),
        calendar=STOCK_CALENDAR,
    )


def announced(at: datetime, ratio: Decimal) -> RowNotice:
    """The notice of a split that a vendor announces: ``ratio`` new shares for one old one, from ``at`` on."""
    words = (
        f"{plain(ratio)} new shares for 1 old one." if ratio >= 1 else f"1 new share for {plain(1 / ratio)} old ones."
    )
    return RowNotice(at, "split_announced", repaired=True, detail=words)


def hours_of(calendar: SessionCalendar, first: datetime, last: datetime) -> Sessions:
    """The sessions that bars between these moments may lie in."""
    return Sessions(
        calendar.sessions(STOCK_CALENDAR, (first - timedelta(days=2)).date(), (last + timedelta(days=2)).date())
    )


def last_needed(sessions: Sessions, since: datetime, limit: int, timeframe: str, until: datetime) -> datetime:
    """Up to when a vendor must be asked for ``limit`` bars from ``since`` on."""
    found = sessions.opens_between(timeframes.floor_time(since, timeframe), until, timeframe)
    return found[min(limit, len(found)) - 1] + timeframes.span(timeframe) if found else since


def with_context(sessions: Sessions, begin: datetime, asked: str) -> datetime:
    """Where to begin asking so that the wanted bars have some before them."""
    return sessions.back(timeframes.floor_time(begin, asked), CONTEXT_ROWS, asked)


def candles_of(
    rows: Sequence[StockRow],
    *,
    symbol: str,
    source: str,
    timeframe: str,
    sessions: Sessions,
    since: datetime,
    minor_unit: bool,
) -> list[Candle]:
    """The candles of ``timeframe`` from ``since`` on that these rows prove, oldest first; what was wrong is told."""
    asked = ASKED[timeframe]
    cleaned = clean(rows, minor_unit=minor_unit)
    source_notices.tell(symbol, source, asked, cleaned.notices)
    found: dict[datetime, Candle] = {}
    for row in cleaned.rows:
        at = timeframes.floor_time(row.open_at, asked)
        candle = Candle(symbol, source, asked, at, row.open, row.high, row.low, row.close, row.volume)
        if sessions.covers(at, asked) and bars.problem(candle) is None:
            found[at] = candle
    ordered = [found[at] for at in sorted(found)]
    wanted = ordered if asked == timeframe else bars.aggregate(ordered, timeframe, {symbol: sessions})
    return [candle for candle in wanted if candle.open_at >= since]
