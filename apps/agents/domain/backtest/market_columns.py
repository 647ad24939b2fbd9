"""What the account's eyes see of the market at every close of a run, as columns: lows, marks and what is stale."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.backtest.market_tape import REMEMBERED_BARS, MarketTape
from apps.agents.domain.strategies.contract import Series
from apps.foundation.money import SCALE
from apps.market.domain.candle_columns import CandleColumns
from apps.market.domain.mark_price import STALE_AFTER_BARS
from apps.market.domain.quotes import RECORDED_HALF_SPREAD_BPS

Whole = NDArray[np.int64]
DAY_MS = 86_400_000
_DIGITS = 15  # that a float surely tells apart
_TENS = 10 ** np.arange(_DIGITS + 1)
_LARGEST = 9 * 10**14  # a price of more units than this times 10,001 would not fit into 64 bits
_GRAINS = 6  # a quote has so many digits after its first


@dataclass(frozen=True)
class Middles:
    """The marks of an instrument at every close in whole units of ``10 ** -decimals``, exact."""

    units: Whole
    decimals: int

    def worth(self, quantity: Decimal, start: int, end: int) -> list[int]:
        """``decimal_math.times`` of the quantity and each mark, in units of ``10 ** -SCALE``."""
        exponent = quantity.as_tuple().exponent
        assert isinstance(exponent, int)
        places = max(0, -exponent)
        whole, shift = int(quantity.scaleb(places)), SCALE - places - self.decimals
        marks = self.units[start:end].tolist()
        if shift >= 0:
            factor = whole * 10**shift
            return [factor * mark for mark in marks]
        cut = 10**-shift
        return [whole * mark // cut for mark in marks]


@dataclass(frozen=True)
class MarketColumns:
    """Arrays ``[times, instruments]`` in the order of the tape's symbols.

    ``lows``: of the base bar that closes then, infinite where none does. ``marks``: NaN where only the exact look tells
    (no price, several sources, digits beyond a float's). ``stale``: no fresh price. ``dark``: of all of them, ``days``:
    since the epoch (UTC), one a time.
    """

    lows: Series
    marks: Series
    stale: NDArray[np.bool_]
    dark: NDArray[np.bool_]
    days: Whole
    middles: list[Middles | None]


def market_columns(tape: MarketTape, times: Whole) -> MarketColumns:
    """The columns at these closes."""
    shape = (len(times), len(tape.symbols))
    lows, marks, stale = np.full(shape, np.inf), np.full(shape, np.nan), np.zeros(shape, np.bool_)
    middles: list[Middles | None] = []
    for number, symbol in enumerate(tape.symbols):
        primary, sources = tape.primary(symbol), tape.sources(symbol)
        newest = np.searchsorted(primary.closes_at, times, side="right") - 1
        known = np.maximum(newest, 0)
        closes = (newest >= 0) & (primary.closes_at[known] == times)
        lows[closes, number] = primary.low[known[closes]]
        age = times - np.max([_newest(each, times) for each in sources], axis=0)
        stale[:, number] = age > STALE_AFTER_BARS * primary.length_ms
        exact = assumed_middles(primary.close) if tape.market == "recorded" and len(sources) == 1 else None
        middles.append(None if exact is None else Middles(exact.units[known], exact.decimals))
        if exact is not None:
            priced = (newest >= 0) & (age < REMEMBERED_BARS * primary.length_ms)
            marks[priced, number] = exact.units[known[priced]] / 10.0**exact.decimals
    return MarketColumns(lows, marks, stale, np.logical_and.reduce(stale, axis=1), times // DAY_MS, middles)


def _newest(columns: CandleColumns, times: Whole) -> Whole:
    """The close of the newest bar at each time; long ago where there is none."""
    places = np.searchsorted(columns.closes_at, times, side="right") - 1
    return np.where(places >= 0, columns.closes_at[np.maximum(places, 0)], np.int64(-(2**62)))


def assumed_middles(close: Series) -> Middles | None:
    """The middle of ``assumed_quote`` on a recorded market at each close; None for prices of more digits than whole
    numbers of 64 bits hold.

    A close of ``c`` units has a bid of the grains below c x 0.9999 and an ask of those above c x 1.0001, where a grain
    is a millionth of the place of its first digit.
    """
    assert RECORDED_HALF_SPREAD_BPS == 1, "The formula has half a spread of one basis point."
    found = _in_units(close)
    if found is None:
        return None
    units, decimals = found
    digits = np.searchsorted(_TENS, units, side="right")
    shift = digits - 1 - _GRAINS + 4  # from 10,000ths of a unit to grains
    divisor, factor = 10 ** np.maximum(shift, 0), 10 ** np.maximum(-shift, 0)
    bid, ask = units * 9_999 * factor // divisor, -(-units * 10_001 * factor // divisor)
    grain = digits - 1 - decimals - _GRAINS
    finest = int(grain.min())
    if int(grain.max()) - finest > 8 or finest > 1:  # noqa: PLR2004 - a middle has 9 digits, a whole number 18
        return None
    return Middles((bid + ask) * 5 * 10 ** (grain - finest), 1 - finest)


def _in_units(close: Series) -> tuple[Whole, int] | None:
    """The prices in whole units of the last decimal that any of them has, and how many decimals that are."""
    if not len(close) or not (np.isfinite(close).all() and close.min() > 0.0):
        return None
    for decimals in range(_DIGITS):
        units = np.rint(close * 10.0**decimals)
        if units.max() >= _LARGEST:
            return None
        if units.min() >= 1.0 and (units / 10.0**decimals == close).all():
            return units.astype(np.int64), decimals
    return None
