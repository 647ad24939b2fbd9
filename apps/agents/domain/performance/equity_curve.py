"""What an account was worth over time, and the views of it that figures are taken from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
Times = NDArray[np.int64]

DAY_MS = 86_400_000
YEAR_MS = 365.25 * DAY_MS


@dataclass(frozen=True)
class EquityCurve:
    """``times`` in milliseconds since the epoch, ascending; ``values`` positive and finite, in one currency.

    The first point is the starting capital at the first bar's opening, every other one the worth at a bar's close.
    ``days_per_year``: trading days of the market, 365 where it never closes, 252 for US stocks. Raises ``ValueError``.
    """

    times: Times
    values: Series
    days_per_year: float = 365.0

    def __post_init__(self) -> None:
        if len(self.times) != len(self.values) or not len(self.times):
            raise ValueError(f"A curve needs as many times as values, at least one; {len(self.times)} were given.")
        if not (self.values.min() > 0.0 and self.values.max() < np.inf):
            raise ValueError("An equity curve must be positive and finite at every point.")
        if (self.times[1:] <= self.times[:-1]).any():
            raise ValueError("The times of an equity curve must ascend, each once.")

    @property
    def years(self) -> float:
        """Length of the run in years of 365.25 days."""
        return float(self.times[-1] - self.times[0]) / YEAR_MS

    @property
    def total_return(self) -> float:
        """Last over first, less one."""
        return float(self.values[-1] / self.values[0] - 1.0)

    @cached_property
    def day_ends(self) -> Times:
        """The places of the last point of each day (UTC); what closes at midnight belongs to the day before."""
        first, last = (int(self.times[place] - 1) // DAY_MS for place in (0, -1))
        midnights = np.arange(first + 1, last + 2) * DAY_MS
        return np.unique(np.searchsorted(self.times, midnights, side="right") - 1)

    @cached_property
    def daily_returns(self) -> Series:
        """Simple returns from day's end to day's end.

        Ratios are measured on days whatever the bars, so that a run on minutes and one on hours can be compared: the
        returns of shorter bars are correlated, and scaling them up by the square root of time misstates the ratio
        (Lo, "The Statistics of Sharpe Ratios", 2002).
        """
        ends = self.day_ends
        closes = self.values[ends if ends[0] == 0 else np.append(0, ends)]
        return np.diff(closes) / closes[:-1]

    @cached_property
    def drawdowns(self) -> Series:
        """At each point the fall from the highest value so far, as a share of it."""
        falls = np.maximum.accumulate(self.values)
        np.divide(self.values, falls, out=falls)
        return np.subtract(1.0, falls, out=falls)
