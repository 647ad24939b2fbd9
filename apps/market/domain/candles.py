"""The candle value, and how finer candles become coarser ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.market.domain import timeframes
from apps.market.domain.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Candle:
    """One closed bar of one source. Prices in the quote currency, volume in the base asset; ``open_at`` in UTC."""

    symbol: str
    source: str
    timeframe: str
    open_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    @property
    def close_at(self) -> datetime:
        """The moment at which the bar was known: its opening time plus its length."""
        return self.open_at + timeframes.span(self.timeframe)


def problem(candle: Candle) -> str | None:
    """Why this candle can't be true, in words; None for a sound one."""
    values = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    if not all(value.is_finite() for value in values):
        return "a value is not a finite number"
    if candle.low <= 0:
        return f"the low was {candle.low}; a price must be positive"
    if candle.low > min(candle.open, candle.close) or candle.high < max(candle.open, candle.close):
        return f"open {candle.open} and close {candle.close} must lie between low {candle.low} and high {candle.high}"
    if candle.volume < 0:
        return f"the volume was {candle.volume}; it can't be negative"
    if not timeframes.is_boundary(candle.open_at, candle.timeframe):
        return f"it opens at {candle.open_at:%Y-%m-%d %H:%M:%S}, which is no {candle.timeframe} boundary"
    return None


def merge(parts: Sequence[Candle], timeframe: str, sessions: Sessions | None = None) -> Candle | None:
    """One coarser candle of ``timeframe`` from the finer ones of one bucket, oldest first; None unless all of them are
    there: all that the sessions cover, for an instrument that keeps some.

    First open, highest high, lowest low, last close, sum of volumes.
    """
    if not parts:
        return None
    finer = timeframes.seconds(parts[0].timeframe)
    length = timeframes.seconds(timeframe)
    if length <= finer or length % finer:
        raise ValueError(f"{timeframe} candles can't be made of {parts[0].timeframe} candles.")
    start = timeframes.floor_time(parts[0].open_at, timeframe)
    step = timeframes.span(parts[0].timeframe)
    if sessions is None:
        wanted = [start + step * place for place in range(length // finer)]
    else:
        wanted = sessions.opens_between(start, start + timeframes.span(timeframe) - step, parts[0].timeframe)
    if [part.open_at for part in parts] != wanted:
        return None
    return Candle(
        symbol=parts[0].symbol,
        source=parts[0].source,
        timeframe=timeframe,
        open_at=start,
        open=parts[0].open,
        high=max(part.high for part in parts),
        low=min(part.low for part in parts),
        close=parts[-1].close,
        volume=sum((part.volume for part in parts), Decimal(0)),
    )


def aggregate(
    candles: Iterable[Candle], timeframe: str, sessions: Mapping[str, Sessions] | None = None
) -> list[Candle]:
    """Every complete ``timeframe`` candle that these finer ones give, oldest first for each symbol and source.

    ``sessions``: those of the symbols that keep some.
    """
    buckets: dict[tuple[str, str, datetime], dict[datetime, Candle]] = {}
    for candle in candles:
        key = (candle.symbol, candle.source, timeframes.floor_time(candle.open_at, timeframe))
        buckets.setdefault(key, {})[candle.open_at] = candle
    kept = sessions or {}
    merged = (
        merge([parts[at] for at in sorted(parts)], timeframe, kept.get(symbol))
        for (symbol, _, _), parts in sorted(buckets.items())
    )
    return [candle for candle in merged if candle is not None]


def ladder(candles: Sequence[Candle], base: str, sessions: Mapping[str, Sessions] | None = None) -> list[Candle]:
    """The given base candles and every stored coarser one they complete, each step built from the step below."""
    everything, finer = list(candles), list(candles)
    for timeframe in timeframes.stored_from(base)[1:]:
        finer = aggregate(finer, timeframe, sessions)
        everything += finer
    return everything
