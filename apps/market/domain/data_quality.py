"""Findings about candles: holes, jumps that reverse, sources that disagree. Pure; times are given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.market.domain import timeframes
from apps.market.domain.candles import Candle
from apps.market.domain.sessions import Sessions, missing_between

WICK_LIMIT = Decimal("0.25")  # a wick this far from both open and close is taken for a bad print
MOVE_LIMIT = Decimal("0.25")  # a close this far from the one before is worth a look
LONG_BAR_LIMIT = Decimal("0.6")  # the same for bars of more than an hour


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars that are missing between two that are there: the first and last missing opening time, and how many."""

    first_open: datetime
    last_open: datetime
    missing: int


@dataclass(frozen=True, slots=True)
class Outlier:
    """A candle that is probably wrong, and why."""

    open_at: datetime
    reason: str


def find_gaps(opens: Sequence[datetime], timeframe: str, sessions: Sessions | None = None) -> list[Gap]:
    """The holes in ascending opening times; a night or holiday of an instrument that keeps sessions is none."""
    return [Gap(*hole) for hole in missing_between(opens, timeframe, sessions)]


def find_outliers(candles: Sequence[Candle], *, before: Decimal | None = None) -> list[Outlier]:
    """Wick spikes and jumps of a quarter or more, oldest first. ``before`` is the close that preceded the first
    candle.
    """
    findings = []
    previous = before
    long = bool(candles) and timeframes.seconds(candles[0].timeframe) > timeframes.seconds("1h")
    furthest = LONG_BAR_LIMIT if long else MOVE_LIMIT
    for candle in candles:
        body_high, body_low = max(candle.open, candle.close), min(candle.open, candle.close)
        if candle.high > body_high * (1 + WICK_LIMIT) or candle.low < body_low * (1 - WICK_LIMIT):
            findings.append(
                Outlier(
                    candle.open_at, f"wick from {candle.low} to {candle.high} around {candle.open} to {candle.close}"
                )
            )
        elif previous is not None and abs(candle.close / previous - 1) > furthest:
            findings.append(Outlier(candle.open_at, f"close moved from {previous} to {candle.close} in one bar"))
        previous = candle.close
    return findings


def divergence_bps(prices: Iterable[Decimal]) -> Decimal:
    """The distance between the highest and the lowest price in basis points of the lowest; 0 for fewer than two."""
    values = sorted(prices)
    return (values[-1] / values[0] - 1) * 10_000 if len(values) > 1 else Decimal(0)
