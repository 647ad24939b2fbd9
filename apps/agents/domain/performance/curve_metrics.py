"""Return, risk and their ratios from an equity curve. A figure that the run is too short to tell is None, never 0."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from apps.agents.domain.performance.equity_curve import DAY_MS, EquityCurve, Series

TAIL = 0.05  # of the days: value at risk and expected shortfall at 95 %
FEWEST_DAYS = 2
SHORTEST_YEAR_MS = 365 * DAY_MS  # GIPS forbids annualised returns of less than a year: they tell what did not happen
SHORTEST_CALMAR_MS = 30 * DAY_MS  # growth a year out of fewer days is a number without a meaning, and a huge one
BLOCK = 16_384  # points of a curve that stay near the processor
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class CurveMetrics:
    """Shares unless named otherwise (0.1 is 10 %); losses and drawdowns are positive numbers.

    ``cagr`` is told of a whole year at least, ``calmar`` of thirty days; ratios are annualised, to compare runs.
    ``longest_drawdown_days``: the longest time below an earlier high, one that has not ended counted up to the end.
    """

    total_return: float
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    omega: float | None
    max_drawdown: float
    longest_drawdown_days: float
    value_at_risk: float | None
    expected_shortfall: float | None
    days: int

    def as_json(self) -> dict[str, float | int | None]:
        """The figures by name."""
        return asdict(self)


def curve_metrics(curve: EquityCurve) -> CurveMetrics:
    """All figures of a curve; ratios on daily returns with a risk-free rate of zero, annualised by the curve's days."""
    returns = curve.daily_returns
    growth, (fall, longest) = _growth_a_year(curve), falls(curve)
    return CurveMetrics(
        total_return=curve.total_return,
        cagr=cagr(curve),
        volatility=volatility(returns, curve.days_per_year),
        sharpe=sharpe(returns, curve.days_per_year),
        sortino=sortino(returns, curve.days_per_year),
        calmar=None if growth is None or fall == 0.0 else growth / fall,
        omega=omega(returns),
        max_drawdown=fall,
        longest_drawdown_days=longest,
        value_at_risk=value_at_risk(returns),
        expected_shortfall=expected_shortfall(returns),
        days=len(returns),
    )


def cagr(curve: EquityCurve) -> float | None:
    """Compound annual growth rate: (last / first) ^ (1 / years) - 1; None for a run of less than a year."""
    return None if is_short_of_a_year(curve) else _growth_a_year(curve)


def is_short_of_a_year(curve: EquityCurve) -> bool:
    """Whether what it grew can't be told as growth a year."""
    return bool(curve.times[-1] - curve.times[0] < SHORTEST_YEAR_MS)


def is_short_for_calmar(curve: EquityCurve) -> bool:
    """Whether what it grew says too little to be set against its largest fall."""
    return bool(curve.times[-1] - curve.times[0] < SHORTEST_CALMAR_MS)


def _growth_a_year(curve: EquityCurve) -> float | None:
    """As if it went on like that, for ratios only; None for a run of less than thirty days."""
    if is_short_for_calmar(curve):
        return None
    exponent = math.log1p(curve.total_return) / curve.years
    return math.expm1(exponent) if exponent < 700.0 else None  # noqa: PLR2004 - e to the 710 is no float any more


def volatility(returns: Series, days_per_year: float) -> float | None:
    """Sample standard deviation of daily returns times the square root of a year's days."""
    if len(returns) < FEWEST_DAYS:
        return None
    return float(np.std(returns, ddof=1)) * math.sqrt(days_per_year)


def sharpe(returns: Series, days_per_year: float) -> float | None:
    """Mean over sample standard deviation, annualised. Source: Sharpe, "The Sharpe Ratio" (1994), risk-free rate 0."""
    daily = daily_sharpe(returns)
    return None if daily is None else daily * math.sqrt(days_per_year)


def daily_sharpe(returns: Series) -> float | None:
    """The Sharpe ratio of one day; None for fewer than two days or returns that differ by no more than rounding."""
    if len(returns) < FEWEST_DAYS or float(np.ptp(returns)) < _ROUNDING:
        return None
    return float(np.mean(returns) / np.std(returns, ddof=1))


def sortino(returns: Series, days_per_year: float) -> float | None:
    """Mean over downside deviation, annualised; the deviation is the root of the mean of squared losses over all days.

    Source: Sortino and Price, "Performance Measurement in a Downside Risk Framework" (1994), target 0. None without a
    losing day.
    """
    if len(returns) < FEWEST_DAYS:
        return None
    downside = math.sqrt(float(np.mean(np.minimum(returns, 0.0) ** 2)))
    return None if downside == 0.0 else float(np.mean(returns)) / downside * math.sqrt(days_per_year)


def omega(returns: Series) -> float | None:
    """Sum of gains over sum of losses. Source: Keating and Shadwick, "A Universal Performance Measure" (2002), at 0."""
    losses = float(np.sum(np.maximum(-returns, 0.0)))
    return None if losses == 0.0 else float(np.sum(np.maximum(returns, 0.0))) / losses


def falls(curve: EquityCurve) -> tuple[float, float]:
    """(the largest fall from the highest value so far, as a share of it; the longest time between two highs in days,
    from the last high to the end too).

    Block by block, as ``EquityCurve.drawdowns`` has them: a long curve's falls are not kept to read two figures.
    """
    deepest, highest, found, last = 0.0, 0.0, [], len(curve.values) - 1
    for first in range(0, len(curve.values), BLOCK):
        values = curve.values[first : first + BLOCK]
        peaks = np.maximum.accumulate(values)
        np.maximum(peaks, highest, out=peaks)
        highest = peaks[-1]
        fallen = 1.0 - values / peaks
        deepest = max(deepest, float(fallen.max()))
        found.append(np.flatnonzero(fallen <= 0.0) + first)
    highs = np.concatenate(found)
    ends = np.append(highs[1:], last)
    under_water = np.append(highs[1:] - highs[:-1] > 1, highs[-1] < last)
    return deepest, float((curve.times[ends] - curve.times[highs])[under_water].max(initial=0)) / DAY_MS


def value_at_risk(returns: Series) -> float | None:
    """The loss of the mildest of the worst 5 % of days, from history alone; negative where even that day gained."""
    worst = _worst(returns)
    return None if worst is None else -float(worst[-1])


def expected_shortfall(returns: Series) -> float | None:
    """The mean loss of the worst 5 % of days (CVaR). Source: Acerbi and Tasche, "Expected Shortfall" (2002)."""
    worst = _worst(returns)
    return None if worst is None else -float(np.mean(worst))


def _worst(returns: Series) -> Series | None:
    if len(returns) < FEWEST_DAYS:
        return None
    return np.sort(returns)[: max(1, math.ceil(TAIL * len(returns) - 1e-9))]
